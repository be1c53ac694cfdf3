// The page's slots (`data-text`, `data-time` and the like), and how times are put into them.
// Text is only ever set as text, and only where it changed, so that nothing flickers.

import { labels } from "/assets/texts.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
const UNITS = [["day", DAY], ["hour", HOUR], ["minute", MINUTE], ["second", 1]];

export const one = (selector) => document.querySelector(selector);
export const all = (selector) => document.querySelectorAll(selector);

// Formatters are slow to make: each is made when first needed, while the API is being waited for.
function createLazily(create) {
  let formatter;
  return (...values) => (formatter ??= create()).format(...values);
}

const dateFormat = (options) => createLazily(() => new Intl.DateTimeFormat("en-GB", options));
export const formatAgo = createLazily(() => new Intl.RelativeTimeFormat("en", { numeric: "auto" }));
export const formatDay = dateFormat({ dateStyle: "medium", timeZone: "UTC" });
export const formatMinute = dateFormat({ timeStyle: "short" });
export const formatMoment = dateFormat({ dateStyle: "medium", timeStyle: "short" });
const formatClock = dateFormat({ timeStyle: "medium" });
const formatExact = dateFormat({ dateStyle: "full", timeStyle: "long" });

export function write(slot, text) {
  if (slot.textContent !== text) slot.textContent = text;
}

export function fill(name, text) {
  for (const slot of all(`[data-text="${name}"]`)) write(slot, text);
}

export function mark(slot, name, value) {
  if (slot.dataset[name] !== value) slot.dataset[name] = value;
}

/** "12 seconds ago", in steps calm enough to read. */
export function formatDistance(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 5) return labels.now;
  const [unit, size] = UNITS.find(([, length]) => seconds >= length);
  const count = unit === "second" ? seconds - (seconds % 5) : Math.floor(seconds / size);
  return formatAgo(-count, unit);
}

/** Gives a `<time>` its words, its exact moment for machines, and that on hover for readers. */
export function stamp(slot, at, text) {
  write(slot, text);
  slot.dateTime = new Date(at).toISOString();
  slot.title = formatExact(at);
}

export function clear(slot, text = "") {
  write(slot, text);
  slot.removeAttribute("datetime");
  slot.removeAttribute("title");
}

/** What happened, how long ago, and the time of day. */
export function showAge(name, at, what = "") {
  const age = at ? labels.at(formatDistance(Date.now() - at), formatClock(at)) : "";
  const text = [what, age].filter(Boolean).join(" ");
  for (const slot of all(`[data-time="${name}"]`)) at ? stamp(slot, at, text) : clear(slot, text);
}
