// The overall status, judged from the newest readings and the last good ones.

import { SLOW_SECONDS } from "/assets/api.js";

const TOO_MANY_REQUESTS = 429;
/** What the API says of itself, as a key of `states` in the texts. */
const reported = { degraded: "reportsProblem", outage: "reportsOutage", unknown: "unmeasured" };
/** Where several states look alike. */
const looks = {
  offline: "unknown",
  reportsProblem: "degraded",
  reportsOutage: "outage",
  unmeasured: "operational",
};

export const isSlow = ({ milliseconds }) => milliseconds > SLOW_SECONDS * 1000;
export const lookOf = (state) => looks[state] ?? state;

/** Returns a key of `states` in the texts. */
export function judge(newest, good) {
  const { health, status } = newest;
  if (!health) return "loading";
  if (health.error?.kind === "offline") return "offline";
  if (good.config?.value.maintenance) return "maintenance";
  if (health.error) {
    const { kind, details } = health.error;
    if (kind === "malformed") return "unknown";
    return kind === "slow" || details.status === TOO_MANY_REQUESTS ? "degraded" : "outage";
  }
  const own = reported[status?.value?.state];
  if (own === "reportsOutage") return own;
  if (Object.values(newest).some((reading) => reading.error || isSlow(reading))) return "degraded";
  return own ?? "operational";
}
