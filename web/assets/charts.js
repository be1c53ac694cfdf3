// Draws history, and reads single bars out: to a pointer, to the arrow keys, and in tables.
// Each drawing has a range input on top, which brings keyboard, touch and screen readers along.

import { one, write } from "/assets/places.js";
import { history } from "/assets/texts.js";

const SVG = "http://www.w3.org/2000/svg";
const GAP = 0.17;

const pickers = {
  days: { hint: history.pickDay, words: [], rows: [] },
  hours: { hint: history.pickHour, words: [], rows: [] },
};

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** A bar in slot `index`, from one height to another. */
export function bar(index, top, bottom, attributes = {}) {
  const width = 1 - 2 * GAP;
  return shape("rect", { x: index + GAP, y: top, width, height: bottom - top, ...attributes });
}

/** A line that is level through each slot; nothing where there is no height. */
export function steps(heights, attributes) {
  let isDrawn = false;
  const d = heights.map((height, index) => {
    const from = isDrawn ? `V${height}` : `M${index} ${height}`;
    isDrawn = height !== null;
    return isDrawn ? `${from}H${index + 1}` : "";
  });
  return shape("path", { d: d.join(""), ...attributes });
}

export function draw(name, shapes) {
  one(`[data-plot="${name}"]`).replaceChildren(...shapes);
}

function row(cells) {
  const element = document.createElement("tr");
  element.append(...cells.map((text, index) => {
    const cell = document.createElement(index ? "td" : "th");
    if (!index) cell.scope = "row";
    cell.textContent = text;
    return cell;
  }));
  return element;
}

function tabulate(name) {
  if (!one(`[data-table="${name}"]`).open) return;
  one(`[data-rows="${name}"]`).replaceChildren(...pickers[name].rows.map(row));
}

/** Says which bar is meant; without one, how to choose. */
function point(name, index) {
  const { words, hint } = pickers[name];
  const rest = words.length ? hint : "\u00a0";
  write(one(`[data-text="${name}-pick"]`), words[index] ?? rest);
  const { parentElement: plot } = one(`[data-pick="${name}"]`);
  plot.toggleAttribute("data-picked", index in words);
  plot.style.setProperty("--slot", Number(index ?? 0));
  plot.style.setProperty("--slots", words.length || 1);
}

/** What a drawing's bars say, one by one: in words, and as cells of a table. */
export function describe(name, words, rows) {
  const input = one(`[data-pick="${name}"]`);
  Object.assign(pickers[name], { words, rows });
  const last = Math.max(words.length - 1, 0);
  if (input.max !== String(last)) {
    input.max = last;
    input.value = last;
  }
  input.disabled = words.length === 0;
  voice(name);
  rest(name);
  tabulate(name);
}

function voice(name) {
  const input = one(`[data-pick="${name}"]`);
  input.setAttribute("aria-valuetext", pickers[name].words[input.value] ?? "");
}

function rest(name) {
  const input = one(`[data-pick="${name}"]`);
  if (input.matches(":hover")) return;
  point(name, input.matches(":focus-visible") ? input.value : undefined);
}

function under(event) {
  const { left, width } = event.target.getBoundingClientRect();
  const count = Number(event.target.max) + 1;
  return Math.min(Math.max(Math.floor(((event.clientX - left) / width) * count), 0), count - 1);
}

/** Listens to pointers and keys, once. */
export function attend() {
  for (const name of Object.keys(pickers)) {
    const input = one(`[data-pick="${name}"]`);
    input.addEventListener("input", () => {
      voice(name);
      point(name, input.value);
    });
    input.addEventListener("pointermove", (event) => point(name, under(event)));
    input.addEventListener("pointerleave", () => rest(name));
    input.addEventListener("focus", () => rest(name));
    input.addEventListener("blur", () => rest(name));
    one(`[data-table="${name}"]`).addEventListener("toggle", () => tabulate(name));
  }
}
