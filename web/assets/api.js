// Asks the API, and takes nothing from it that does not have the contract's shape.

import { mismatches } from "/assets/texts.js";

export const SLOW_SECONDS = 3;
export const LIMIT_SECONDS = 10;

const isText = (value) => typeof value === "string";
const isName = (value) => isText(value) && value.trim() !== "";
const isFlag = (value) => typeof value === "boolean";
const isSeconds = (value) => Number.isFinite(value) && value > 0;
const isAmount = (value) => Number.isFinite(value) && value >= 0;
const isCount = (value) => Number.isInteger(value) && value >= 0;
const isPercent = (value) => isAmount(value) && value <= 100;
const isTime = (value) => isText(value) && !Number.isNaN(Date.parse(value));
const orNull = (check) => (value) => value === null || check(value);
const oneOf = (...values) => (value) => values.includes(value);
const listOf = (check) => (value) => Array.isArray(value) && value.every(check);
const shapeOf = (shape) => (value) => !findMismatch(shape, value);

const isState = oneOf("operational", "degraded", "outage", "unknown");
const milliseconds = { p50: orNull(isAmount), p95: orNull(isAmount), p99: orNull(isAmount) };

// Those below /-/ are answered by the platform around the application.
const sources = {
  health: { path: "/-/health", shape: { status: oneOf("ok") } },
  version: {
    path: "/-/version",
    shape: {
      environment: isName,
      release: isName,
      commit: orNull(isText),
      function_version: orNull(isText),
      python: isName,
      cold_start: isFlag,
    },
  },
  config: {
    path: "/api/config",
    shape: {
      title: isName,
      notice: orNull(isText),
      refresh_seconds: isSeconds,
      maintenance: isFlag,
    },
  },
  status: {
    path: "/api/status",
    shape: {
      state: isState,
      as_of: orNull(isTime),
      age_seconds: orNull(isAmount),
      warnings: listOf(isText),
      components: listOf(shapeOf({ id: isName, state: isState })),
      last_24_hours: shapeOf({
        requests: orNull(isCount),
        errors: orNull(isCount),
        cold_starts: orNull(isCount),
        latency_ms: shapeOf(milliseconds),
        hours: listOf(
          shapeOf({ start: isTime, requests: isCount, errors: isCount, ...milliseconds }),
        ),
      }),
      availability: listOf(shapeOf({ date: isTime, checks: isCount, percent: orNull(isPercent) })),
      alarms: listOf(shapeOf({ name: isName, description: isText, since: isTime })),
    },
  },
  site: { path: "/-/site.json", shape: { release: isName } },
};

export const names = Object.keys(sources);
/** Those that the overall status waits for; the rest may take its time. */
export const quick = ["health", "version", "config"];
export const rest = names.filter((name) => !quick.includes(name));

class AskError extends Error {
  constructor(kind, details = {}) {
    super(kind);
    this.kind = kind;
    this.details = details;
  }
}

/** What does not fit the shape, in words, or nothing. */
function findMismatch(shape, value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return mismatches.object;
  const wrong = Object.keys(shape).find((field) => !shape[field](value[field]));
  return wrong && mismatches.field(wrong);
}

async function fetchValue({ path, shape }, signal) {
  const response = await fetch(path, { cache: "no-store", signal });
  if (!response.ok) throw new AskError("status", { status: response.status });
  const text = await response.text();
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AskError("malformed", { why: mismatches.json });
  }
  const why = findMismatch(shape, value);
  if (why) throw new AskError("malformed", { why });
  // Deploys and rollbacks write the site again.
  const writtenAt = Date.parse(response.headers.get("Last-Modified"));
  return { value, writtenAt: Number.isNaN(writtenAt) ? undefined : writtenAt };
}

/** One reading of one source: when, how long it took, and either its value or its error. */
export async function ask(name) {
  const started = performance.now();
  const abort = new AbortController();
  const limit = setTimeout(() => abort.abort(), LIMIT_SECONDS * 1000);
  let result;
  try {
    result = await fetchValue(sources[name], abort.signal);
  } catch (error) {
    if (error instanceof AskError) result = { error };
    else if (abort.signal.aborted) {
      result = { error: new AskError("timeout", { seconds: LIMIT_SECONDS }) };
    } else result = { error: new AskError(navigator.onLine ? "unreachable" : "offline") };
  }
  clearTimeout(limit);
  return { ...result, at: Date.now(), milliseconds: Math.round(performance.now() - started) };
}

/** The reading of a source that has not answered although it should have by now. */
export function createSlowReading() {
  return { error: new AskError("slow", { seconds: SLOW_SECONDS }), at: Date.now() };
}
