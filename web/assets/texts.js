// Every English word that the page's script says.

export const states = {
  loading: {
    word: "Checking…",
    sentence: "Asking the API how it is.",
  },
  operational: {
    word: "Operational",
    sentence: "The API answers, and all that this page asks for is in order.",
  },
  unmeasured: {
    word: "Operational",
    sentence: "The API answers. How it has been is not known.",
  },
  degraded: {
    word: "Degraded",
    sentence: "The API is up, but not all of it answers as it should.",
  },
  reportsProblem: {
    word: "Degraded",
    sentence: "The API answers, but reports a problem.",
  },
  outage: {
    word: "Outage",
    sentence: "The API does not answer. Its last answers are below.",
  },
  reportsOutage: {
    word: "Outage",
    sentence: "The API answers here, but reports that many requests fail.",
  },
  maintenance: {
    word: "Maintenance",
    sentence: "Work is under way. Answers may be slow or missing.",
  },
  unknown: {
    word: "Unknown",
    sentence: "The API answers, but not as this page expects.",
  },
  offline: {
    word: "Unknown",
    sentence: "This device is offline, so the API cannot be asked.",
  },
};

export const errors = {
  offline: () => "this device is offline",
  unreachable: () => "no connection",
  timeout: ({ seconds }) => `no answer within ${seconds} seconds`,
  slow: ({ seconds }) => `no answer yet after ${seconds} seconds`,
  status: ({ status }) => `refused with status ${status}`,
  malformed: ({ why }) => why,
};

export const mismatches = {
  json: "the answer is not JSON",
  object: "the answer is not an object",
  field: (name) => `“${name}” is wrong`,
};

export const results = {
  pending: "Asking…",
  good: "Answers",
  slow: "Slow",
  bad: "Failed",
  took: (milliseconds) => `in ${milliseconds} ms`,
  but: (took, warnings) => `${took}; ${warnings}`,
};

export const components = {
  operational: "Operational",
  degraded: "Degraded",
  outage: "Outage",
  unknown: "Not known",
};

export const labels = {
  none: "—",
  notChecked: "Not checked yet",
  checked: "Checked",
  noAnswer: "No answer yet",
  now: "just now",
  fresh: "Answered",
  old: "Old: answered",
  measured: "Measured",
  measuredOld: "Old: measured",
  notMeasured: "Nothing has been measured yet",
  at: (distance, time) => `${distance}, at ${time}`,
  day: (day, distance) => `${day}, ${distance}`,
  cold: "Cold: its first answer",
  warm: "Warm",
  pageSame: "Of the same release",
  pageOther: "Of another: reload",
  changing: "Changing now",
  unfold: "Read all",
  fold: "Read less",
  noNotice: "Nothing is announced.",
  zone: (name) => `Times are in ${name}.`,
};

export const alarms = {
  none: "No alarm is active.",
  unknown: "Not known.",
  some: (count) => (count === 1 ? "One alarm is active." : `${count} alarms are active.`),
  since: (distance) => `since ${distance}`,
};

export const history = {
  empty: "No history is known yet",
  failed: "The history could not be read",
  waiting: "Asking…",
  percent: (number) => `${number} %`,
  sum: (percent, days) => `${percent} of checks passed, in ${days === 1 ? "one day" : `${days} days`}`,
  unchecked: "not checked",
  day: (day, percent, checks) => `${day}: ${percent}, ${checks === 1 ? "one check" : `${checks} checks`}`,
  dayWithout: (day) => `${day}: not checked`,
  pickDay: "Point at a bar, or move over them with the arrow keys, to read a day.",
  hour: (from, to, requests, errors) => `${from} to ${to}: ${requests} requests, ${errors} errors`,
  latency: (p50, p95, p99) => `p50 ${p50}, p95 ${p95}, p99 ${p99}`,
  both: (one, other) => `${one}; ${other}`,
  pickHour: "Point at an hour, or move over them with the arrow keys, to read it.",
  milliseconds: (number) => `${number} ms`,
  seconds: (number) => `${number} s`,
  share: (errors, percent) => `${errors} (${percent})`,
};

export const title = (...parts) => parts.filter(Boolean).join(" · ");
export const spoken = (word, sentence) => `${word}. ${sentence}`;
