// The overall state, judged from the newest readings and the last good ones.

import { SLOW_SECONDS } from "/assets/api.js";

const BUSY = 429;
/** What the API says of itself, as a state of the page. */
const told = { degraded: "troubled", outage: "failing", unknown: "unmeasured" };
/** Where several states look alike. */
const looks = {
  offline: "unknown",
  troubled: "degraded",
  failing: "outage",
  unmeasured: "operational",
};

export const isSlow = ({ milliseconds }) => milliseconds > SLOW_SECONDS * 1000;
export const lookOf = (state) => looks[state] ?? state;

function withoutHealth({ kind, details }) {
  if (kind === "offline") return "offline";
  if (kind === "odd") return "unknown";
  return kind === "slow" || details.status === BUSY ? "degraded" : "outage";
}

/** A key of `states` in the texts. */
export function judge(newest, good) {
  if (!newest.health) return "loading";
  if (newest.health.fault?.kind === "offline") return "offline";
  if (good.config?.value.maintenance) return "maintenance";
  if (newest.health.fault) return withoutHealth(newest.health.fault);
  const said = told[newest.status?.value?.state];
  if (said === "failing") return said;
  if (Object.values(newest).some((reading) => reading.fault || isSlow(reading))) return "degraded";
  return said ?? "operational";
}
