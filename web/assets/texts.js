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
    sentence: "The API does not answer. What stands below is the last it said.",
  },
  maintenance: {
    word: "Maintenance",
    sentence: "Work is under way. Answers may be slow or missing until it is done.",
  },
  unknown: {
    word: "Unknown",
    sentence: "The API answers, but not in words that this page understands.",
  },
  offline: {
    word: "Unknown",
    sentence: "This device is offline, so the API cannot be asked.",
  },
};

export const faults = {
  offline: () => "not asked: this device is offline",
  unreachable: () => "no connection",
  timeout: ({ seconds }) => `no answer within ${seconds} seconds`,
  slow: ({ seconds }) => `no answer yet after ${seconds} seconds`,
  status: ({ status }) => `refused with status ${status}`,
  odd: ({ why }) => `answered nonsense: ${why}`,
};

export const reasons = {
  json: "not JSON",
  object: "not an object",
  field: (name) => `“${name}” is missing or wrong`,
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
  fresh: "Answered",
  old: "Old: the last good answer came",
  cold: "Cold",
  warm: "Warm",
  uncommitted: "uncommitted changes",
  pageSame: "Of the same release",
  pageOther: (release) => `Of release ${release}; reload for the newer one`,
  pageSource: "Not built: straight from the source",
  zone: (name) => `Times are in ${name}.`,
};

export const title = (word, name) => `${word} · ${name}`;
export const spoken = (word, sentence) => `${word}. ${sentence}`;
