// The page's places (`data-text`, `data-time` and the like), and how times are put into them.
// Text is only ever set as text, and only where it changed, so that nothing flickers.

import { labels } from "/assets/texts.js";

export const MINUTE = 60;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
const UNITS = [["day", DAY], ["hour", HOUR], ["minute", MINUTE], ["second", 1]];

export const one = (selector) => document.querySelector(selector);
export const all = (selector) => document.querySelectorAll(selector);
// Formatters are dear: each is made when it is first needed, while the API is being waited for.
function lazily(make) {
  let made;
  return (...values) => (made ??= make()).format(...values);
}

const inEnglish = (options) => lazily(() => new Intl.DateTimeFormat("en-GB", options));
export const ago = lazily(() => new Intl.RelativeTimeFormat("en", { numeric: "auto" }));
export const dayText = inEnglish({ dateStyle: "medium", timeZone: "UTC" });
export const minuteText = inEnglish({ timeStyle: "short" });
export const momentText = inEnglish({ dateStyle: "medium", timeStyle: "short" });
const clockText = inEnglish({ timeStyle: "medium" });
const exactText = inEnglish({ dateStyle: "full", timeStyle: "long" });

export function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

export function fill(name, text) {
  for (const place of all(`[data-text="${name}"]`)) write(place, text);
}

export function mark(place, name, value) {
  if (place.dataset[name] !== value) place.dataset[name] = value;
}

/** "12 seconds ago", in steps calm enough to read. */
export function distance(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 5) return labels.now;
  const [unit, size] = UNITS.find(([, length]) => seconds >= length);
  const count = unit === "second" ? seconds - (seconds % 5) : Math.floor(seconds / size);
  return ago(-count, unit);
}

/** Gives a `<time>` its words, its exact moment for machines, and that on hover for readers. */
export function stamp(place, at, text) {
  write(place, text);
  place.dateTime = new Date(at).toISOString();
  place.title = exactText(at);
}

export function clear(place, text = "") {
  write(place, text);
  place.removeAttribute("datetime");
  place.removeAttribute("title");
}

/** What happened, how long ago, and the time of day. */
export function showAge(name, at, what = "") {
  const age = at ? labels.at(distance(Date.now() - at), clockText(at)) : "";
  const text = [what, age].filter(Boolean).join(" ");
  for (const place of all(`[data-time="${name}"]`)) at ? stamp(place, at, text) : clear(place, text);
}

/** The day and the time, and how long ago. */
export function showMoment(name, at, otherwise) {
  const place = one(`[data-time="${name}"]`);
  if (!at) return clear(place, otherwise);
  stamp(place, at, labels.day(momentText(at), distance(Date.now() - at)));
}

/** Elements made from names, attributes and text; text stays text. */
export function made(name, text, attributes = {}) {
  const element = document.createElement(name);
  element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
