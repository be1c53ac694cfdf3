// Asks the API, and takes nothing from it that is not what the contract says.

import { reasons } from "/assets/texts.js";

export const SLOW_SECONDS = 3;
export const LIMIT_SECONDS = 10;

const isText = (value) => typeof value === "string";
const isName = (value) => isText(value) && value.trim() !== "";
const isFlag = (value) => typeof value === "boolean";
const isSeconds = (value) => Number.isFinite(value) && value > 0;
const isTextOrNothing = (value) => value === null || isText(value);

const sources = {
  health: { status: (value) => value === "ok" },
  version: {
    environment: isName,
    release: isName,
    commit: isTextOrNothing,
    function_version: isTextOrNothing,
    python: isName,
    cold_start: isFlag,
  },
  config: {
    title: isName,
    notice: isTextOrNothing,
    refresh_seconds: isSeconds,
    maintenance: isFlag,
  },
};

export const names = Object.keys(sources);

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

async function fetched(name, signal) {
  const response = await fetch(`/api/${name}`, { cache: "no-store", signal });
  if (!response.ok) throw new Fault("status", { status: response.status });
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    throw new Fault("odd", { why: reasons.json });
  }
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
