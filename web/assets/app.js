// Keeps the page true: asks the API as often as the settings say, while someone looks.

import { SLOW_SECONDS, ask, createSlowReading, names, quick, rest } from "/assets/api.js";
import { judge } from "/assets/state.js";
import { announce, clearLiveRegion, show, showAges, showAsking, showFold, showZone, toggleFold } from "/assets/view.js";

const FIRST_REFRESH_SECONDS = 30;
const SHORTEST_SECONDS = 5;
const LONGEST_SECONDS = 3600;

const newest = {};
const good = {};
let isAsking = false;
let answeredAt = 0;
let next;
let history;

const isHidden = () => document.visibilityState === "hidden";

function refreshMilliseconds() {
  const seconds = good.config?.value.refresh_seconds ?? FIRST_REFRESH_SECONDS;
  return Math.min(Math.max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS) * 1000;
}

function update() {
  show(judge(newest, good), newest, good, names);
  history?.show(newest, good);
}

/** Only what is not about to change again is announced. */
function updateAndAnnounce() {
  update();
  announce(judge(newest, good));
}

function store(some, readings) {
  for (const name of some) {
    newest[name] = readings[name] ?? createSlowReading();
    if (newest[name].value) good[name] = newest[name];
  }
}

/** What draws the history comes after what the overall status needs; it may be missing. */
async function loadHistory() {
  if (history) return;
  history = await import("/assets/history.js").catch(() => undefined);
  history?.bindInputs();
}

/** The overall status's own sources go first: they share a slow line with nothing. */
async function askAll() {
  const readings = {};
  const begun = [];
  const read = async (name) => {
    begun.push(name);
    readings[name] = await ask(name);
  };
  const slow = setTimeout(() => {
    store(begun, readings);
    updateAndAnnounce();
  }, SLOW_SECONDS * 1000);
  await Promise.all(quick.map(read));
  store(quick, readings);
  update();
  const readAndUpdate = async (name) => {
    await read(name);
    store([name], readings);
    update();
  };
  await Promise.all([...rest.map(readAndUpdate), loadHistory()]);
  clearTimeout(slow);
}

async function check() {
  if (isAsking) return;
  isAsking = true;
  showAsking(isAsking);
  clearTimeout(next);
  await askAll();
  answeredAt = Date.now();
  updateAndAnnounce();
  isAsking = false;
  showAsking(isAsking);
  schedule();
}

function schedule() {
  clearTimeout(next);
  if (isHidden() || isAsking) return;
  next = setTimeout(check, Math.max(0, answeredAt + refreshMilliseconds() - Date.now()));
}

function tick() {
  if (isHidden() || !newest.health) return;
  showAges(newest, good);
  history?.showAges(newest, good);
}

function onClick(action, reaction) {
  document.querySelector(`[data-action="${action}"]`).addEventListener("click", reaction);
}

onClick("check", () => {
  clearLiveRegion();
  check();
});
onClick("unfold", toggleFold);
addEventListener("resize", () => {
  showFold();
  history?.showScrollers();
});
document.addEventListener("visibilitychange", () => {
  tick();
  schedule();
});
addEventListener("online", check);
addEventListener("offline", check);
setInterval(tick, 1000);
check();
update();
showZone();
