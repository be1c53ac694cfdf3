// Asks the API, and takes nothing from it that is not what the contract says.

import { reasons } from "/assets/texts.js";

export const SLOW_SECONDS = 3;
export const LIMIT_SECONDS = 10;
const OWN_RELEASE = /<meta name="release" content="([^"]+)">/;

const isText = (value) => typeof value === "string";
const isName = (value) => isText(value) && value.trim() !== "";
const isFlag = (value) => typeof value === "boolean";
const isSeconds = (value) => Number.isFinite(value) && value > 0;
const isAmount = (value) => Number.isFinite(value) && value >= 0;
const isCount = (value) => Number.isInteger(value) && value >= 0;
const isPercent = (value) => isAmount(value) && value <= 100;
const isTime = (value) => isText(value) && !Number.isNaN(Date.parse(value));
const orNothing = (check) => (value) => value === null || check(value);
const oneOf = (...values) => (value) => values.includes(value);
const listOf = (check) => (value) => Array.isArray(value) && value.every(check);
const shaped = (shape) => (value) => !oddity(shape, value);

const isState = oneOf("operational", "degraded", "outage", "unknown");
const milliseconds = {
  p50: orNothing(isAmount),
  p95: orNothing(isAmount),
  p99: orNothing(isAmount),
};

const sources = {
  health: { status: (value) => value === "ok" },
  version: {
    environment: isName,
    release: isName,
    commit: orNothing(isText),
    function_version: orNothing(isText),
    python: isName,
    cold_start: isFlag,
  },
  config: {
    title: isName,
    notice: orNothing(isText),
    refresh_seconds: isSeconds,
    maintenance: isFlag,
  },
  status: {
    state: isState,
    as_of: orNothing(isTime),
    age_seconds: orNothing(isAmount),
    faults: listOf(isText),
    components: listOf(shaped({ id: isName, state: isState })),
    last_24_hours: shaped({
      requests: orNothing(isCount),
      errors: orNothing(isCount),
      cold_starts: orNothing(isCount),
      latency_ms: shaped(milliseconds),
      hours: listOf(shaped({ start: isTime, requests: isCount, errors: isCount, ...milliseconds })),
    }),
    availability: listOf(shaped({ date: isTime, checks: isCount, percent: orNothing(isPercent) })),
    alarms: listOf(shaped({ name: isName, description: isText, since: isTime })),
  },
  page: { release: isName, since: orNothing(isCount) },
};

export const names = Object.keys(sources);
/** Those that the verdict waits for; the rest may take its time. */
export const quick = ["health", "version", "config"];
export const rest = names.filter((name) => !quick.includes(name));

class Fault extends Error {
  constructor(kind, details = {}) {
    super(kind);
    this.kind = kind;
    this.details = details;
  }
}

/** What is wrong with an answer, or nothing. */
function oddity(shape, answer) {
  if (answer === null || typeof answer !== "object" || Array.isArray(answer)) return reasons.object;
  const wrong = Object.keys(shape).find((field) => !shape[field](answer[field]));
  return wrong && reasons.field(wrong);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault("odd", { why: reasons.json });
  }
}

/** The release whose pages are shown, and since when: a deploy and a rollback write them anew. */
function shown(text, headers) {
  const since = Date.parse(headers.get("Last-Modified"));
  return { release: OWN_RELEASE.exec(text)?.[1], since: Number.isNaN(since) ? null : since };
}

async function fetched(name, signal) {
  const isPage = name === "page";
  const cache = isPage ? "no-cache" : "no-store";
  const response = await fetch(isPage ? "/" : `/api/${name}`, { cache, signal });
  if (!response.ok) throw new Fault("status", { status: response.status });
  const text = await response.text();
  return isPage ? shown(text, response.headers) : parsed(text);
}

function faultOf(error, late) {
  if (error instanceof Fault) return error;
  if (late) return new Fault("timeout", { seconds: LIMIT_SECONDS });
  return new Fault(navigator.onLine ? "unreachable" : "offline");
}

async function trusted(name, signal) {
  const answer = await fetched(name, signal);
  const why = oddity(sources[name], answer);
  if (why) throw new Fault("odd", { why });
  return answer;
}

/** One reading of one source: when, how long it took, and either its value or its fault. */
export async function ask(name) {
  const started = performance.now();
  const abort = new AbortController();
  const limit = setTimeout(() => abort.abort(), LIMIT_SECONDS * 1000);
  const reading = {};
  try {
    reading.value = await trusted(name, abort.signal);
  } catch (error) {
    reading.fault = faultOf(error, abort.signal.aborted);
  } finally {
    clearTimeout(limit);
  }
  return { ...reading, at: Date.now(), milliseconds: Math.round(performance.now() - started) };
}

/** The reading of a source that has not answered although it should have by now. */
export function overdue() {
  return { fault: new Fault("slow", { seconds: SLOW_SECONDS }), at: Date.now() };
}
