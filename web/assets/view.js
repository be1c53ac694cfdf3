// Shows what was answered: the overall status, the notice, what is running, what answers.

import { DAY, clear, fill, formatAgo, formatDay, formatDistance, formatMoment, mark, one, showAge, stamp, write } from "/assets/slots.js";
import { isSlow, lookOf } from "/assets/state.js";
import { errors, labels, results, spoken, states, title } from "/assets/texts.js";

/** Release of the site when it was first asked for, which is that of this page. */
let ownRelease;

function showRunning({ version, site }) {
  ownRelease ??= site?.value.release;
  if (!version) return;
  const { environment, release, commit, function_version, python, cold_start } = version.value;
  const texts = { environment, release, function_version, python, commit: commit?.slice(0, 12) };
  for (const [name, text] of Object.entries(texts)) fill(name, text || labels.none);
  one('[data-text="commit"]').title = commit ?? "";
  fill("start", cold_start ? labels.cold : labels.warm);
  const compared = ownRelease === release ? labels.pageSame : labels.pageOther;
  fill("page", ownRelease ? compared : labels.none);
  one('[data-text="page"]').title = ownRelease ?? "";
  showCommitted(release);
}

/** A release id opens with the day of its commit: 20261123-42-1a2b3c4. */
function showCommitted(release) {
  const slot = one('[data-time="committed"]');
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})-\d+-/.exec(release) ?? [];
  const at = Date.UTC(year, month - 1, day);
  if (Number.isNaN(at)) return clear(slot, labels.none);
  const days = Math.max(0, Math.floor((Date.now() - at) / (DAY * 1000)));
  write(slot, labels.day(formatDay(at), formatAgo(-days, "day")));
  slot.dateTime = new Date(at).toISOString().slice(0, 10);
}

/** The site is written when its release goes live; while API and site differ, it is not yet so. */
function showSince({ version, site }) {
  const slot = one('[data-time="since"]');
  const isSame = version?.value.release === site?.value.release;
  if (version && site && !isSame) return clear(slot, labels.changing);
  const at = isSame ? site?.writtenAt : undefined;
  if (!at) return clear(slot, labels.none);
  stamp(slot, at, labels.day(formatMoment(at), formatDistance(Date.now() - at)));
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

export function toggleFold() {
  const button = one('[data-action="unfold"]');
  const isFolded = button.getAttribute("aria-expanded") === "false";
  button.setAttribute("aria-expanded", isFolded);
  write(button, isFolded ? labels.fold : labels.unfold);
}

function resultOf(reading) {
  if (!reading) return "pending";
  if (reading.error) return reading.error.kind === "slow" ? "slow" : "bad";
  return isSlow(reading) ? "slow" : "good";
}

function detailsOf(reading) {
  if (!reading) return "\u00a0";
  const { error, milliseconds, value } = reading;
  if (error) return errors[error.kind](error.details);
  const took = results.took(milliseconds);
  return value.warnings?.length ? results.but(took, value.warnings.join(" ")) : took;
}

function showCheck(name, reading) {
  const result = resultOf(reading);
  const details = detailsOf(reading);
  mark(one(`[data-check="${name}"]`), "result", result);
  fill(`${name}-result`, results[result]);
  fill(`${name}-more`, details);
  one(`[data-text="${name}-more"]`).title = details.trim();
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

/** Tells screen readers the state; they do not repeat words that have not changed. */
export function announce(state) {
  const { word, sentence } = states[state];
  fill("spoken", spoken(word, sentence));
}

/** Has the same words announced again, to someone who asked. */
export function clearLiveRegion() {
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
  const isOld = Boolean(good.version && version.error);
  mark(one('[data-source="version"]'), "age", isOld ? "old" : "new");
  const answered = isOld ? labels.old : labels.fresh;
  showAge("asof", good.version?.at, good.version ? answered : labels.noAnswer);
  showSince(good);
}

export function showAsking(isAsking) {
  mark(one('[data-action="check"]'), "asking", isAsking ? "yes" : "no");
}

export function showZone() {
  fill("zone", labels.zone(Intl.DateTimeFormat().resolvedOptions().timeZone));
}
