// Draws the history, and reads single bars out: to a pointer, to the arrow keys, and in tables.
// Each drawing has a range input on top, which brings keyboard, touch and screen readers along.

import { one, write } from "/assets/slots.js";
import { history } from "/assets/texts.js";

const SVG = "http://www.w3.org/2000/svg";
const GAP = 0.17;

const pickers = {
  days: { hint: history.pickDay, words: [], rows: [] },
  hours: { hint: history.pickHour, words: [], rows: [] },
};

function createShape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** A bar in column `index`, from one height to another. */
export function createBar(index, top, bottom, attributes = {}) {
  const width = 1 - 2 * GAP;
  return createShape("rect", { x: index + GAP, y: top, width, height: bottom - top, ...attributes });
}

/** A line that is level through each column; nothing where there is no height. */
export function createSteps(heights, attributes) {
  let isDrawn = false;
  const d = heights.map((height, index) => {
    const from = isDrawn ? `V${height}` : `M${index} ${height}`;
    isDrawn = height !== null;
    return isDrawn ? `${from}H${index + 1}` : "";
  });
  return createShape("path", { d: d.join(""), ...attributes });
}

export function draw(name, shapes) {
  one(`[data-plot="${name}"]`).replaceChildren(...shapes);
}

function createRow(cells) {
  const element = document.createElement("tr");
  element.append(...cells.map((text, index) => {
    const cell = document.createElement(index ? "td" : "th");
    if (!index) cell.scope = "row";
    cell.textContent = text;
    return cell;
  }));
  return element;
}

function fillTable(name) {
  if (!one(`[data-table="${name}"]`).open) return;
  one(`[data-rows="${name}"]`).replaceChildren(...pickers[name].rows.map(createRow));
}

/** Describes the bar that is picked; without one, says how to pick one. */
function pick(name, index) {
  const { words, hint } = pickers[name];
  const otherwise = words.length ? hint : "\u00a0";
  write(one(`[data-text="${name}-pick"]`), words[index] ?? otherwise);
  const { parentElement: plot } = one(`[data-pick="${name}"]`);
  plot.toggleAttribute("data-picked", index in words);
  plot.style.setProperty("--column", Number(index ?? 0));
  plot.style.setProperty("--columns", words.length || 1);
}

/** Sets what a drawing's bars say, one by one: in words, and as cells of a table. */
export function describe(name, words, rows) {
  const input = one(`[data-pick="${name}"]`);
  Object.assign(pickers[name], { words, rows });
  const last = Math.max(words.length - 1, 0);
  if (input.max !== String(last)) {
    input.max = last;
    input.value = last;
  }
  input.disabled = words.length === 0;
  setValueText(name);
  showFocused(name);
  fillTable(name);
}

function setValueText(name) {
  const input = one(`[data-pick="${name}"]`);
  input.setAttribute("aria-valuetext", pickers[name].words[input.value] ?? "");
}

function showFocused(name) {
  const input = one(`[data-pick="${name}"]`);
  if (input.matches(":hover")) return;
  pick(name, input.matches(":focus-visible") ? input.value : undefined);
}

function indexAt(event) {
  const { left, width } = event.target.getBoundingClientRect();
  const count = Number(event.target.max) + 1;
  return Math.min(Math.max(Math.floor(((event.clientX - left) / width) * count), 0), count - 1);
}

/** Listens to pointers and keys, once. */
export function bindInputs() {
  for (const name of Object.keys(pickers)) {
    const input = one(`[data-pick="${name}"]`);
    input.addEventListener("input", () => {
      setValueText(name);
      pick(name, input.value);
    });
    input.addEventListener("pointermove", (event) => pick(name, indexAt(event)));
    input.addEventListener("pointerleave", () => showFocused(name));
    input.addEventListener("focus", () => showFocused(name));
    input.addEventListener("blur", () => showFocused(name));
    one(`[data-table="${name}"]`).addEventListener("toggle", () => fillTable(name));
  }
}
