// Keeps the page true: asks the API at the pace that the settings name, while someone looks.

import { SLOW_SECONDS, ask, names, overdue, quick, rest } from "/assets/api.js";
import { judge } from "/assets/state.js";
import { hush, say, show, showAges, showAsking, showFold, showZone, unfold } from "/assets/view.js";

const FIRST_PACE_SECONDS = 30;
const QUICKEST_SECONDS = 5;
const SLOWEST_SECONDS = 3600;

const newest = {};
const good = {};
let asking = false;
let answeredAt = 0;
let next;
let history;

const isHidden = () => document.visibilityState === "hidden";

function pace() {
  const wanted = good.config?.value.refresh_seconds ?? FIRST_PACE_SECONDS;
  return Math.min(Math.max(wanted, QUICKEST_SECONDS), SLOWEST_SECONDS) * 1000;
}

function publish() {
  show(judge(newest, good), newest, good, names);
  history?.show(newest, good);
}

/** Publishes, and tells those who hear the page: only what is not about to change again. */
function conclude() {
  publish();
  say(judge(newest, good));
}

function take(some, answers) {
  for (const name of some) {
    newest[name] = answers[name] ?? overdue();
    if (newest[name].value) good[name] = newest[name];
  }
}

/** What draws the history is asked for after what the verdict needs; it may be missing. */
async function fetchHistory() {
  if (history) return;
  history = await import("/assets/history.js").catch(() => undefined);
  history?.attend();
}

/** The verdict's own go first: a slow line is not shared with what can come later. */
async function askAll() {
  const answers = {};
  const begun = [];
  const asked = async (name) => {
    begun.push(name);
    answers[name] = await ask(name);
  };
  const late = setTimeout(() => {
    take(begun, answers);
    conclude();
  }, SLOW_SECONDS * 1000);
  await Promise.all(quick.map(asked));
  take(quick, answers);
  publish();
  const followed = async (name) => {
    await asked(name);
    take([name], answers);
    publish();
  };
  await Promise.all([...rest.map(followed), fetchHistory()]);
  clearTimeout(late);
}

function setAsking(now) {
  asking = now;
  showAsking(now);
}

async function check() {
  if (asking) return;
  setAsking(true);
  clearTimeout(next);
  await askAll();
  answeredAt = Date.now();
  conclude();
  setAsking(false);
  plan();
}

function plan() {
  clearTimeout(next);
  if (isHidden() || asking) return;
  next = setTimeout(check, Math.max(0, answeredAt + pace() - Date.now()));
}

function tick() {
  if (isHidden() || !newest.health) return;
  showAges(newest, good);
  history?.showAges(newest, good);
}

function on(action, reaction) {
  document.querySelector(`[data-action="${action}"]`).addEventListener("click", reaction);
}

on("check", () => {
  hush();
  check();
});
on("unfold", unfold);
addEventListener("resize", () => {
  showFold();
  history?.showScrollers();
});
document.addEventListener("visibilitychange", () => {
  tick();
  plan();
});
addEventListener("online", check);
addEventListener("offline", check);
setInterval(tick, 1000);
check();
publish();
showZone();
