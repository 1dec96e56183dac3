/*
 * The page's one line to the Nexus. Pages watch topics; what arrives is collected and told at most
 * four times a second. After a break the line comes back by itself and asks only for the difference.
 * `body[data-live]` says how fresh the page is: off, live, catching, stale, frozen.
 */

import { setClock, span } from "./format.js";

const TOLD_EVERY_MS = 250;
const STALE_AFTER_S = 5;
/* A line that says nothing for so long is dead, though nobody closed it. */
const DEAD_AFTER_MS = 15_000;
const SHORTEST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

const topics = new Map();
const beatListeners = [];
let socket = null;
let wait = SHORTEST_WAIT_MS;
let retryAt = 0;
let retryTimer = 0;
let lastBeat = null;
/* When the newest picture was drawn, so far as is known: the page itself is as old as that. */
let drawnAt = Date.now();
let heardAt = 0;
let frozen = false;
let held = 0;
let toldAt = 0;
let toldSoon = 0;
let watchSoon = 0;

/**
 * Call `tell({ whole, set, gone, grid, state, error })` whenever something of a topic changed.
 * `set`: Map of what changed; `state`: Map of all; `grid`: { whole: base64 or null, set: Map of index -> byte }.
 */
export function watch(topic, tell) {
  const known = topics.get(topic) ?? { position: null, state: new Map(), news: null, tellers: [] };
  known.tellers.push(tell);
  topics.set(topic, known);
  clearTimeout(watchSoon);
  watchSoon = setTimeout(() => (socket ? ask() : connect()), 0);
}

/** Call `hear({ at, age, fresh })` with each beat of the Nexus, unless the page is frozen. */
export function onBeat(hear) {
  beatListeners.push(hear);
}

export function isFrozen() {
  return frozen;
}

/** Whether somebody sees the page go on: it is neither frozen nor in the background. */
export function isSeen() {
  return !frozen && document.visibilityState === "visible";
}

/** Stop showing what arrives, or go on and show what was held. */
export function freeze(on) {
  frozen = on;
  if (!on) tellSoon();
  showFreshness();
}

function connect() {
  clearTimeout(retryTimer);
  if (!topics.size) return;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  heardAt = performance.now();
  const line = new WebSocket(`${scheme}//${location.host}/ws/live/?watch=`);
  socket = line;
  line.onopen = ask;
  line.onmessage = (event) => {
    heardAt = performance.now();
    take(JSON.parse(event.data));
  };
  line.onclose = (event) => {
    if (socket !== line) return;
    socket = null;
    if (event.code === 4401) askForLogin();
    else retry();
  };
}

/** A line over a network that is gone is not closed by anybody: leave it, and try another. */
function leaveDead() {
  if (!socket || performance.now() - heardAt < DEAD_AFTER_MS) return;
  const dead = socket;
  socket = null;
  dead.close();
  retry();
}

function ask() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const positions = [...topics].map(([topic, known]) => [topic, known.position]);
  socket.send(JSON.stringify({ watch: Object.fromEntries(positions) }));
}

async function retry() {
  const delay = wait * (0.7 + 0.6 * Math.random());
  wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  retryAt = Date.now() + delay;
  retryTimer = setTimeout(connect, delay);
  showFreshness();
  // A refused handshake does not say why: whoever is logged out is sent to the login.
  try {
    const answer = await fetch("/", { method: "HEAD", redirect: "manual" });
    if (answer.type === "opaqueredirect") askForLogin();
  } catch {
    /* the Nexus is away: the next try finds out */
  }
}

function askForLogin() {
  clearTimeout(retryTimer);
  retryAt = 0;
  document.body.dataset.live = "stale";
  const notice = document.querySelector("[data-logged-out]");
  if (notice) notice.hidden = false;
}

function take(message) {
  if (message.beat) return takeBeat(message.beat);
  const known = topics.get(message.topic);
  if (!known) return;
  const news = (known.news ??= { whole: false, set: new Map(), gone: new Set(), grid: null, error: null });
  if (message.error) news.error = message.detail ?? message.error;
  if (message.whole) {
    Object.assign(news, { whole: true, set: new Map(), gone: new Set(), grid: null });
    known.state.clear();
  }
  for (const [key, value] of Object.entries(message.set ?? {})) {
    known.state.set(key, value);
    news.set.set(key, value);
    news.gone.delete(key);
  }
  for (const key of message.gone ?? []) {
    known.state.delete(key);
    news.set.delete(key);
    news.gone.add(key);
  }
  if (message.grid) news.grid = mergeGrid(news.grid, message.grid);
  if (message.position) known.position = message.position;
  if (frozen) held += 1;
  tellSoon();
}

/** However long the page is frozen, it holds one byte for each subtask at most. */
function mergeGrid(held, grid) {
  if (grid.whole !== undefined) return { whole: grid.whole, set: new Map() };
  const merged = held ?? { whole: null, set: new Map() };
  for (const [byte, indexes] of Object.entries(grid.set)) {
    for (const index of indexes) merged.set.set(index, Number(byte));
  }
  return merged;
}

function takeBeat(beat) {
  lastBeat = beat;
  if (beat.age !== null) drawnAt = Date.now() - beat.age * 1000;
  wait = SHORTEST_WAIT_MS;
  retryAt = 0;
  setClock(beat.at);
  if (!frozen) for (const hear of beatListeners) hear(beat);
  showFreshness();
}

function tellSoon() {
  if (toldSoon || frozen) return;
  const due = Math.max(toldAt + TOLD_EVERY_MS - performance.now(), 0);
  toldSoon = setTimeout(() => requestAnimationFrame(tellAll), due);
}

function tellAll() {
  toldSoon = 0;
  if (frozen) return;
  toldAt = performance.now();
  held = 0;
  for (const known of topics.values()) {
    if (!known.news) continue;
    const news = known.news;
    known.news = null;
    for (const tell of known.tellers) tell({ ...news, state: known.state });
  }
}

function ageSeconds() {
  return (Date.now() - drawnAt) / 1000;
}

function freshness() {
  if (!topics.size) return "off";
  if (frozen) return "frozen";
  const age = ageSeconds();
  if (socket && lastBeat?.fresh && age < STALE_AFTER_S) return "live";
  return age >= STALE_AFTER_S ? "stale" : "catching";
}

function saidOf(state) {
  const age = ageSeconds();
  if (state === "frozen") return held ? `frozen, ${held} held` : "frozen";
  if (state === "live") return `live ${span(age)}`;
  if (state === "stale") {
    const again = retryAt > Date.now() ? `, retry in ${span((retryAt - Date.now()) / 1000)}` : "";
    return `stale ${span(age)}${again}`;
  }
  return state === "catching" ? "catching up" : "not live";
}

function showFreshness() {
  const state = freshness();
  const chip = document.querySelector("[data-chip]");
  if (chip) chip.textContent = saidOf(state);
  if (document.body.dataset.live === state) return;
  document.body.dataset.live = state;
  say(`The page is ${state === "catching" ? "catching up" : state}.`);
}

/** Tell those who do not see the page; once for each change of state. */
export function say(text) {
  const region = document.querySelector("[data-said]");
  if (region) region.textContent = text;
}

setInterval(() => {
  leaveDead();
  showFreshness();
}, 500);
for (const [target, name] of [[window, "online"], [document, "visibilitychange"]]) {
  target.addEventListener(name, () => {
    if (document.visibilityState !== "visible") return;
    if (socket) ask(); // whoever was logged out meanwhile is told at once
    else connect();
  });
}
