// Puts words into the page's places: `data-text`, `data-time`, `data-check` and the like.
// Text is only ever set as text, and only where it changed, so that nothing flickers.

import { faults, labels, results, spoken, states, title } from "/assets/texts.js";
import { isSlow } from "/assets/state.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNITS = [["day", DAY], ["hour", HOUR], ["minute", MINUTE], ["second", 1]];

const one = (selector) => document.querySelector(selector);
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function fill(name, text) {
  write(one(`[data-text="${name}"]`), text);
}

function mark(place, name, value) {
  if (place.dataset[name] !== value) place.dataset[name] = value;
}

/** "12 seconds ago", in steps calm enough to read. */
function distance(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 5) return labels.now;
  const [unit, size] = UNITS.find(([, length]) => seconds >= length);
  const count = unit === "second" ? seconds - (seconds % 5) : Math.floor(seconds / size);
  return ago.format(-count, unit);
}

function showTime(name, at) {
  const place = one(`[data-time="${name}"]`);
  if (at === undefined) return;
  write(place, `${distance(Date.now() - at)}, at ${clock.format(at)}`);
  place.dateTime = new Date(at).toISOString();
  place.title = exact.format(at);
}

/** A release id opens with the day of its commit: 20261123-42-1a2b3c4. */
function dayOf(release) {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})-\d+-/.exec(release) ?? [];
  const at = Date.UTC(year, month - 1, day);
  return Number.isNaN(at) ? undefined : at;
}

function showCommitted(release) {
  const at = dayOf(release);
  const place = one('[data-time="committed"]');
  if (at === undefined) {
    write(place, labels.none);
    place.removeAttribute("datetime");
    return;
  }
  const days = Math.max(0, Math.floor((Date.now() - at) / (DAY * 1000)));
  write(place, `${date.format(at)}, ${ago.format(-days, "day")}`);
  place.dateTime = new Date(at).toISOString().slice(0, 10);
}

function showPage(release) {
  const own = one('meta[name="release"]').content;
  const other = own === release ? labels.pageSame : labels.pageOther;
  fill("page", own === "development" ? labels.pageSource : other);
  one('[data-text="page"]').title = own;
}

function showRunning({ version }) {
  if (!version) return;
  const { environment, release, commit, function_version, python, cold_start } = version.value;
  const texts = { environment, release, function_version, python, commit: commit?.slice(0, 12) };
  for (const [name, text] of Object.entries(texts)) fill(name, text || labels.none);
  one('[data-text="commit"]').title = commit ?? "";
  fill("start", cold_start ? labels.cold : labels.warm);
  showPage(release);
  showCommitted(release);
}

function showNotice({ config }) {
  const notice = config?.value.notice?.trim() ?? "";
  one("[data-notice]").hidden = notice === "";
  fill("notice", notice);
  showFold();
}

/** A notice keeps to its room; one that is longer can be unfolded. */
export function showFold() {
  const text = one('[data-text="notice"]');
  const button = one('[data-action="unfold"]');
  const isFolded = button.getAttribute("aria-expanded") === "false";
  button.hidden = isFolded && text.scrollHeight <= text.clientHeight;
}

export function unfold() {
  const button = one('[data-action="unfold"]');
  const isFolded = button.getAttribute("aria-expanded") === "false";
  button.setAttribute("aria-expanded", isFolded);
  write(button, isFolded ? labels.fold : labels.unfold);
}

function resultOf(reading) {
  if (!reading) return "pending";
  if (reading.fault) return reading.fault.kind === "slow" ? "slow" : "bad";
  return isSlow(reading) ? "slow" : "good";
}

function moreOf(reading) {
  if (!reading) return "\u00a0";
  const { fault, milliseconds } = reading;
  return fault ? faults[fault.kind](fault.details) : results.took(milliseconds);
}

function showCheck(name, reading) {
  const result = resultOf(reading);
  mark(one(`[data-check="${name}"]`), "result", result);
  fill(`${name}-result`, results[result]);
  fill(`${name}-more`, moreOf(reading));
}

function showState(state, { config, version }) {
  const { word, sentence } = states[state];
  mark(one("[data-state]"), "state", state === "offline" ? "unknown" : state);
  fill("word", word);
  fill("sentence", sentence);
  const name = config?.value.title ?? one('[data-text="title"]').textContent;
  fill("title", name);
  document.title = title(word, version?.value.environment, name);
}

/** Says the state to those who hear the page; the same words are not said twice in a row. */
export function say(state) {
  const { word, sentence } = states[state];
  fill("spoken", spoken(word, sentence));
}

/** Makes the same words worth saying again, to someone who asked. */
export function hush() {
  fill("spoken", "");
}

/** Everything that a check can change. */
export function show(state, newest, good, names) {
  showState(state, good);
  showNotice(good);
  showRunning(good);
  for (const name of names) showCheck(name, newest[name]);
  showAges(newest, good);
}

/** Everything that changes by itself as time goes by. */
export function showAges({ health, version }, good) {
  if (health) fill("checked", labels.checked);
  showTime("checked", health?.at);
  const isOld = Boolean(good.version && version.fault);
  mark(one("[data-running]"), "age", isOld ? "old" : "new");
  if (good.version) fill("asof", isOld ? labels.old : labels.fresh);
  showTime("asof", good.version?.at);
}

export function showZone() {
  fill("zone", labels.zone(Intl.DateTimeFormat().resolvedOptions().timeZone));
}
