/* One rollout as it goes through the nodes. */

import { fill } from "./bind.js";
import "./cells.js";
import { count, percent } from "./format.js";
import { watch } from "./live.js";
import { redraw } from "./parts.js";
import { showCounts, whyOf } from "./rollout_words.js";

const GUARD_EVERY_MS = 10_000;
const MOST_EVENTS = 200;
const head = document.querySelector("[data-rollout]");
const log = document.querySelector("[data-events]");
const blank = document.querySelector("[data-rows] template[data-row]");
let before = null;

function cellOf(name) {
  return document.querySelector(`[data-node="${CSS.escape(name)}"]`);
}

/** Write what a node's cell says; false if its wave has to be drawn anew. */
function showNode(node) {
  const cell = cellOf(node.node);
  // Nodes of large waves have no cells: the head's numbers tell of them.
  if (!cell) return node.state === "skipped" || !document.querySelector(`[data-wave="${node.wave}"] [data-cells]`);
  if (cell.closest("[data-wave]").dataset.wave !== String(node.wave)) return false;
  const step = node.step ? `, ${node.step}${node.fraction ? ` ${percent(node.fraction)}` : ""}` : "";
  cell.dataset.state = node.state;
  cell.title = `${node.node}: ${node.state}${step}${node.reason ? `: ${node.reason}` : ""}`;
  if (cell.hasAttribute("aria-label")) cell.setAttribute("aria-label", cell.title);
  const word = cell.querySelector("[data-step]");
  if (word) {
    word.textContent = node.step || node.state;
    cell.querySelector("progress").value = node.fraction;
  }
  return true;
}

function showHead(rollout) {
  fill(head, rollout);
  showCounts(document.querySelector(".legend[data-counts]"), rollout.counts, { named: true });
  for (const wave of rollout.waves) {
    const row = document.querySelector(`[data-wave="${wave.index}"]`);
    if (!row) continue;
    const sign = row.querySelector("[data-wave-state]");
    sign.dataset.state = sign.textContent = wave.state;
    row.querySelector("[data-wave-healthy]").textContent = count(wave.nodes.healthy ?? 0);
    if (wave.index === rollout.wave) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
    const counts = row.querySelector("[data-wave-counts]");
    if (counts) showCounts(counts, wave.nodes, { named: true });
  }
}

function rowOf(event) {
  const row = blank.content.firstElementChild.cloneNode(true);
  const at = new Date(event.at).toISOString().replace("T", " ").slice(0, 19);
  fill(row, { ...event, at, reason: whyOf(event.reason), who: event.who || "the Foreman" });
  for (const cell of row.querySelectorAll("[data-f]")) {
    if (!event[cell.dataset.f] && cell.dataset.f !== "who") cell.textContent = "";
  }
  if (event.node) row.querySelector("a").href = `/nodes/${encodeURIComponent(event.node)}/`;
  return row;
}

function showEvents(events, whole) {
  if (whole) log.replaceChildren();
  else if (events.length) log.querySelector("[data-none]")?.remove();
  for (const event of events) log.prepend(rowOf(event));
  while (log.children.length > MOST_EVENTS) log.lastElementChild.remove();
}

function place(key) {
  return Number(key.slice("event/".length));
}

watch(`rollout:${head.dataset.rollout}`, ({ whole, set, error }) => {
  if (error) return;
  const events = [...set.keys()].filter((key) => key.startsWith("event/")).sort((a, b) => place(a) - place(b));
  showEvents(events.map((key) => set.get(key)), whole && events.length > 0);
  let fits = true;
  for (const [key, value] of set) if (key.startsWith("node/")) fits = showNode(value) && fits;
  const rollout = set.get("rollout");
  if (rollout) showHead(rollout);
  // Verbs, reasons and the guard's figures are the server's to draw.
  const now = rollout ? JSON.stringify([rollout.state, rollout.reason, rollout.wave]) : before;
  if (!fits || (before !== null && now !== before)) redraw();
  before = now;
});
// What the guard measures goes on all the time, and costs the server more than a cell.
setInterval(() => {
  if (head.querySelector("[data-f=state]").dataset.state === "running") redraw();
}, GUARD_EVERY_MS);
