// Shows what was answered: the verdict, the notice, what is running, what answers.

import { DAY, ago, clear, dayText, fill, mark, one, showAge, showMoment, write } from "/assets/places.js";
import { isSlow, lookOf } from "/assets/state.js";
import { faults, labels, results, spoken, states, title } from "/assets/texts.js";

/** A release id opens with the day of its commit: 20261123-42-1a2b3c4. */
function dayOf(release) {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})-\d+-/.exec(release) ?? [];
  const at = Date.UTC(year, month - 1, day);
  return Number.isNaN(at) ? undefined : at;
}

function showCommitted(release) {
  const at = dayOf(release);
  const place = one('[data-time="committed"]');
  if (at === undefined) return clear(place, labels.none);
  const days = Math.max(0, Math.floor((Date.now() - at) / (DAY * 1000)));
  write(place, labels.day(dayText(at), ago(-days, "day")));
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

/** The pages went up when the release went live; while code and pages differ, it is not yet so. */
function showSince({ version, page }) {
  const isSame = version?.value.release === page?.value.release;
  const otherwise = version && page && !isSame ? labels.changing : labels.none;
  showMoment("since", isSame ? page?.value.since : undefined, otherwise);
}

function showNotice({ config }) {
  const notice = config?.value.notice?.trim();
  mark(one("[data-notice]"), "notice", notice ? "some" : "none");
  fill("notice", notice || (config ? labels.noNotice : labels.none));
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
  const { fault, milliseconds, value } = reading;
  if (fault) return faults[fault.kind](fault.details);
  const took = results.took(milliseconds);
  return value.faults?.length ? results.but(took, value.faults.join(" ")) : took;
}

function showCheck(name, reading) {
  const result = resultOf(reading);
  mark(one(`[data-check="${name}"]`), "result", result);
  fill(`${name}-result`, results[result]);
  fill(`${name}-more`, moreOf(reading));
  one(`[data-text="${name}-more"]`).title = moreOf(reading).trim();
}

function showState(state, { config, version }) {
  const { word, sentence } = states[state];
  mark(one("[data-state]"), "state", lookOf(state));
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
export function showAges(newest, good) {
  const { health, version } = newest;
  fill("checked", health ? labels.checked : labels.notChecked);
  showAge("checked", health?.at);
  const isOld = Boolean(good.version && version.fault);
  mark(one('[data-told="version"]'), "age", isOld ? "old" : "new");
  const answered = isOld ? labels.old : labels.fresh;
  showAge("asof", good.version?.at, good.version ? answered : labels.noAnswer);
  showSince(good);
}

export function showAsking(now) {
  mark(one('[data-action="check"]'), "asking", now ? "yes" : "no");
}

export function showZone() {
  fill("zone", labels.zone(Intl.DateTimeFormat().resolvedOptions().timeZone));
}
