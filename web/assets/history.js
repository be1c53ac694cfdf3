// What the API knows of itself: components, alarms, availability by day, requests by hour.

import { createBar, createSteps, describe, draw } from "/assets/charts.js";
import { all, fill, formatDay, formatDistance, formatMinute, formatMoment, mark, one, showAge, stamp } from "/assets/slots.js";
import { alarms, components as componentTexts, history, labels } from "/assets/texts.js";

export { bindInputs } from "/assets/charts.js";

const RESULTS = { operational: "good", degraded: "slow", outage: "bad", unknown: "none" };
const UP = 99.5;
const PART = 95;
/** How high the bar of a day stands: lower is worse, and a stub is not checked. */
const TOPS = { up: 0, part: 0.34, down: 0.67, none: 0.9 };
const HOUR = 3_600_000;
/** Latency is drawn from 1 ms to 10 s, each factor of ten as high as the next. */
const DECADES = 4;
const BASE = 4;
const FAILED_SPACE = 0.9;
const STALE_SECONDS = 900;

const number = new Intl.NumberFormat("en");
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const coarse = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const rough = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** Never rounded up: only all is 100 %. */
const formatPercent = (percent) => history.percent(fine.format(Math.floor(percent * 100) / 100));
const formatCount = (count) => (count === null ? labels.none : number.format(count));

function formatLatency(milliseconds) {
  if (milliseconds === null) return labels.none;
  if (milliseconds < 1000) return history.milliseconds(rough.format(milliseconds));
  return history.seconds(rough.format(milliseconds / 1000));
}

function showComponents({ components }) {
  for (const slot of all("[data-component]")) {
    const name = slot.dataset.component;
    const state = components.find(({ id }) => id === name)?.state ?? "unknown";
    mark(slot, "result", RESULTS[state]);
    fill(`component-${name}`, componentTexts[state]);
  }
}

function createAlarm({ name, description, since }) {
  const [item, title, time, text] = ["li", "strong", "time", "p"].map((tag) =>
    document.createElement(tag));
  title.textContent = name;
  time.dataset.since = since;
  text.textContent = description;
  item.append(title, " ", time, text);
  return item;
}

function showAlarms({ alarms: active, state, as_of }) {
  const nothing = as_of === null && state === "unknown" ? alarms.unknown : alarms.none;
  fill("alarms", active.length ? alarms.some(active.length) : "");
  fill("no-alarms", active.length ? "" : nothing);
  one('[data-list="alarms"]').replaceChildren(...active.map(createAlarm));
  showScrollers();
}

/** What can be scrolled can be reached by keyboard; what cannot is no stop on the way. */
export function showScrollers() {
  for (const slot of all("[data-scroller]")) {
    if (slot.scrollHeight > slot.clientHeight) slot.tabIndex = 0;
    else slot.removeAttribute("tabindex");
  }
}

function levelOf({ percent }) {
  if (percent === null) return "none";
  if (percent >= UP) return "up";
  return percent >= PART ? "part" : "down";
}

function describeDay({ date, percent, checks }) {
  const day = formatDay(Date.parse(date));
  if (percent === null) return history.dayWithout(day);
  return history.day(day, formatPercent(percent), checks);
}

function listDay({ date, percent, checks }) {
  const passed = percent === null ? history.unchecked : formatPercent(percent);
  return [formatDay(Date.parse(date)), passed, formatCount(checks)];
}

function summarize(days) {
  const checked = days.filter(({ percent, checks }) => percent !== null && checks > 0);
  const checks = checked.reduce((sum, day) => sum + day.checks, 0);
  const passed = checked.reduce((sum, day) => sum + day.checks * day.percent, 0);
  return checks ? history.sum(formatPercent(passed / checks), checked.length) : labels.none;
}

function showDays({ availability: days }) {
  const shapes = days.map((day, index) =>
    createBar(index, TOPS[levelOf(day)], 1, { "data-level": levelOf(day) }));
  one('[data-plot="days"]').setAttribute("viewBox", `0 0 ${days.length || 1} 1`);
  draw("days", shapes);
  fill("days-sum", summarize(days));
  fill("days-empty", days.some(({ percent }) => percent !== null) ? "" : history.empty);
  describe("days", days.map(describeDay), days.map(listDay));
}

/** The next of 10, 20, 50, 100, … that is not less. */
function roundUp(most) {
  const power = 10 ** Math.max(1, Math.floor(Math.log10(most || 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((limit) => limit >= most);
}

function createRequestBars(hours, most) {
  return hours.flatMap(({ requests, errors }, index) => {
    const failed = Math.min(1, Math.max(errors / most, 0.2)) * FAILED_SPACE;
    const up = createBar(index, BASE * (1 - requests / most), BASE);
    return errors ? [up, createBar(index, BASE + 0.1, BASE + 0.1 + failed, { "data-failed": "" })] : [up];
  });
}

const heightOf = (milliseconds) =>
  (milliseconds === null ? null
    : DECADES - Math.min(Math.max(Math.log10(Math.max(milliseconds, 1)), 0), DECADES));

function createLatencyLines(hours) {
  return ["p99", "p95", "p50"].map((name) =>
    createSteps(hours.map((hour) => heightOf(hour[name])), { "data-line": name }));
}

function describeHour({ start, requests, errors, p50, p95, p99 }) {
  const at = Date.parse(start);
  const times = [formatMinute(at), formatMinute(at + HOUR)];
  const counts = history.hour(...times, number.format(requests), number.format(errors));
  if (p50 === null && p95 === null && p99 === null) return counts;
  return history.both(counts, history.latency(formatLatency(p50), formatLatency(p95), formatLatency(p99)));
}

function listHour({ start, requests, errors, p50, p95, p99 }) {
  const counts = [requests, errors].map(formatCount);
  return [formatMoment(Date.parse(start)), ...counts, ...[p50, p95, p99].map(formatLatency)];
}

function formatErrors({ errors, requests }) {
  if (!errors || !requests) return formatCount(errors);
  const share = coarse.format((errors / requests) * 100);
  return history.share(number.format(errors), history.percent(share));
}

function showHours({ last_24_hours: day }) {
  const { hours, latency_ms: latency } = day;
  const most = roundUp(Math.max(...hours.map(({ requests }) => requests)));
  draw("requests", createRequestBars(hours, most));
  draw("latency", createLatencyLines(hours));
  for (const name of ["requests", "latency"]) {
    const plot = one(`[data-plot="${name}"]`);
    plot.setAttribute("viewBox", `0 0 ${hours.length || 1} ${name === "latency" ? DECADES : 5}`);
  }
  fill("most", hours.length ? number.format(most) : labels.none);
  fill("requests", formatCount(day.requests));
  fill("errors", formatErrors(day));
  fill("cold_starts", formatCount(day.cold_starts));
  for (const name of ["p50", "p95", "p99"]) fill(name, formatLatency(latency[name]));
  fill("hours-empty", hours.length ? "" : history.empty);
  describe("hours", hours.map(describeHour), hours.map(listHour));
}

let drawn;

/** Draws a reading once, however often it is shown. */
export function show(newest, good) {
  if (good.status && drawn !== good.status) {
    drawn = good.status;
    for (const showPart of [showComponents, showAlarms, showDays, showHours]) {
      showPart(drawn.value);
    }
  }
  if (!good.status) {
    const why = newest.status?.error ? history.failed : history.waiting;
    fill("days-empty", why);
    fill("hours-empty", why);
  }
  showAges(newest, good);
}

/** When it was measured, and whether that is too long ago or the newest answer is missing. */
export function showAges({ status: newest }, { status: good }) {
  if (!good) return showAge("measured", undefined, newest ? labels.noAnswer : labels.notChecked);
  const { age_seconds: age, as_of: asOf } = good.value;
  const measured = asOf === null ? undefined : good.at - (age ?? 0) * 1000;
  const isMissing = Boolean(newest?.error);
  const isOld = isMissing || Date.now() - measured > STALE_SECONDS * 1000;
  for (const slot of all('[data-source="status"]')) mark(slot, "age", isOld ? "old" : "new");
  for (const slot of all("[data-since]")) {
    const at = Date.parse(slot.dataset.since);
    stamp(slot, at, alarms.since(formatDistance(Date.now() - at)));
  }
  if (isMissing) return showAge("measured", good.at, labels.old);
  const known = isOld ? labels.measuredOld : labels.measured;
  showAge("measured", measured, measured ? known : labels.notMeasured);
}
