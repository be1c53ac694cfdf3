// Keeps the page true: asks the API at the pace that the settings name, while someone looks.

import { SLOW_SECONDS, ask, names, overdue } from "/assets/api.js";
import { judge } from "/assets/state.js";
import { hush, say, show, showAges, showFold, showZone, unfold } from "/assets/view.js";

const FIRST_PACE_SECONDS = 30;
const QUICKEST_SECONDS = 5;
const SLOWEST_SECONDS = 3600;

const newest = {};
const good = {};
let asking = false;
let answeredAt = 0;
let next;

const isHidden = () => document.visibilityState === "hidden";

function pace() {
  const wanted = good.config?.value.refresh_seconds ?? FIRST_PACE_SECONDS;
  return Math.min(Math.max(wanted, QUICKEST_SECONDS), SLOWEST_SECONDS) * 1000;
}

function publish() {
  const state = judge(newest, good);
  show(state, newest, good, names);
  if (state !== "loading") say(state);
}

function take(name, reading) {
  newest[name] = reading;
  if (reading.value) good[name] = reading;
}

async function askAll() {
  const answers = {};
  const late = setTimeout(() => {
    for (const name of names) take(name, answers[name] ?? overdue());
    publish();
  }, SLOW_SECONDS * 1000);
  await Promise.all(names.map(async (name) => { answers[name] = await ask(name); }));
  clearTimeout(late);
  for (const name of names) take(name, answers[name]);
}

async function check() {
  if (asking) return;
  asking = true;
  clearTimeout(next);
  await askAll();
  answeredAt = Date.now();
  asking = false;
  publish();
  plan();
}

function plan() {
  clearTimeout(next);
  if (isHidden() || asking) return;
  next = setTimeout(check, Math.max(0, answeredAt + pace() - Date.now()));
}

function tick() {
  if (!isHidden() && newest.health) showAges(newest, good);
}

function on(action, reaction) {
  document.querySelector(`[data-action="${action}"]`).addEventListener("click", reaction);
}

on("check", () => {
  hush();
  check();
});
on("unfold", unfold);
addEventListener("resize", showFold);
document.addEventListener("visibilitychange", () => {
  tick();
  plan();
});
addEventListener("online", check);
addEventListener("offline", check);
setInterval(tick, 1000);
showZone();
publish();
check();
