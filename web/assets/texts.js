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
  degraded: {
    word: "Degraded",
    sentence: "The API is up, but not all of it answers as it should.",
  },
  outage: {
    word: "Outage",
    sentence: "The API does not answer. What it said last stands below.",
  },
  maintenance: {
    word: "Maintenance",
    sentence: "Work is under way. Answers may be slow or missing.",
  },
  unknown: {
    word: "Unknown",
    sentence: "The API answers, but not in words this page understands.",
  },
  offline: {
    word: "Unknown",
    sentence: "This device is offline, so the API cannot be asked.",
  },
};

export const faults = {
  offline: () => "this device is offline",
  unreachable: () => "no connection",
  timeout: ({ seconds }) => `no answer within ${seconds} seconds`,
  slow: ({ seconds }) => `no answer yet after ${seconds} seconds`,
  status: ({ status }) => `refused with status ${status}`,
  odd: ({ why }) => why,
};

export const reasons = {
  json: "the answer is not JSON",
  object: "the answer is no object",
  field: (name) => `“${name}” is wrong`,
};

export const results = {
  pending: "Asking…",
  good: "Answers",
  slow: "Slow",
  bad: "Failed",
  took: (milliseconds) => `in ${milliseconds} ms`,
};

export const labels = {
  none: "—",
  notChecked: "Not checked yet",
  checked: "Checked",
  noAnswer: "No answer yet",
  now: "just now",
  fresh: "Answered",
  old: "Old: last good answer",
  cold: "Cold: its first answer",
  warm: "Warm",
  pageSame: "Of the same release",
  pageOther: "Of another: reload",
  pageSource: "Not built",
  unfold: "Read all",
  fold: "Read less",
  zone: (name) => `Times are in ${name}.`,
};

export const title = (...parts) => parts.filter(Boolean).join(" · ");
export const spoken = (word, sentence) => `${word}. ${sentence}`;
