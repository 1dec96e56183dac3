/* One node, live: its state, what its slots do, its charts. */

import { keepInAddress, onLink } from "./address.js";
import { fill, Rows } from "./bind.js";
import { ago, percent, span } from "./format.js";
import { History, turnWindows } from "./history.js";
import { onBeat, watch } from "./live.js";
import { PRESENT } from "./node_rows.js";
import { swap } from "./parts.js";

const $ = (selector) => document.querySelector(selector);
const MIB = 2 ** 20;
/** What ended on a node is told in steps of ten seconds, and a little late. */
const REFRESH_MS = 60_000;
const name = $("[data-node]").dataset.node;

/* Charts. */
const holder = $("[data-charts]");
const lines = {
  cpu: { top: 1, format: "percent", lines: [{ name: "cpu", label: "CPU", colour: "--s-running", fill: true }] },
  memory: { top: 1, format: "percent", lines: [{ name: "memory", label: "memory", colour: "--s-quarantined", fill: true }] },
  network: { lines: [{ name: "received", label: "received", colour: "--s-succeeded", fill: true }, { name: "sent", label: "sent", colour: "--s-retrying" }] },
  tasks: { lines: [{ name: "tasks", label: "subtasks/s", colour: "--s-succeeded", fill: true }] },
};
const filters = $("[data-windows]");
const histories = Object.entries(lines).map(([chart, wish]) => {
  const element = holder.querySelector(`[data-chart="${chart}"]`);
  element.dataset.series = holder.dataset.series;
  return new History(element, { ...wish, height: 160 }, filters.querySelector("[aria-current]").dataset.window);
});
setInterval(turnWindows(filters, holder.dataset.charts, histories), REFRESH_MS);

/* The node itself. */
const slots = new Rows($("[data-slots]"), writeSlot);
const drawnState = $("[data-node] [data-state]").dataset.state;
let node = null;
let traffic = null;

function writeSlot(row, work) {
  fill(row, work);
  const link = row.querySelector("[data-link]");
  link.href = `/jobs/${work.job}/subtasks/${work.index}/`;
  link.textContent = `${work.job}[${work.index}]`;
  row.querySelector("[data-others]").textContent = work.items > 1 ? `and ${work.items - 1} more after it, ` : "";
  const progress = row.querySelector("[data-progress]");
  progress.hidden = !work.progress;
  progress.value = work.progress ?? 0;
  progress.setAttribute("aria-label", percent(work.progress ?? 0));
  row.querySelector("[data-f=message]").hidden = !work.message;
}

watch(`node:${name}`, ({ state, error }) => {
  if (error) return location.reload(); // it is no more, which the server says
  node = state.get("node") ?? node;
  if (!node) return undefined;
  $("[data-unseen]")?.remove();
  for (const key of [...slots.rows.keys()]) if (!state.has(key)) slots.drop(key);
  for (const [key, value] of state) if (key !== "node") slots.set(key, value);
  $("[data-idle]").hidden = slots.rows.size > 0;
  $("[data-busy]").textContent = node.running;
  fill($("[data-about]"), node);
  fill($("[data-node]"), node);
  $("[data-node] [data-f=reason]").hidden = !node.reason;
  for (const fact of document.querySelectorAll("[data-there]")) fact.hidden = !PRESENT.has(node.state);
  $("[data-changed]").hidden = node.state === drawnState;
  return undefined;
});

/** Bytes per second between two counts of the node's, in MiB. */
function flow(at) {
  const counts = node.metrics?.network;
  if (!counts || counts.sent === undefined) return {};
  const last = traffic;
  if (last && last.seen === node.last_seen) return last.flow;
  const seconds = last ? node.last_seen - last.seen : 0;
  const per = (field) => (seconds > 0 && counts[field] >= last.counts[field] ? (counts[field] - last.counts[field]) / seconds / MIB : null);
  traffic = { at, seen: node.last_seen, counts, flow: { received: per("received"), sent: per("sent") } };
  return traffic.flow;
}

onBeat(({ at, fresh }) => {
  const up = $("[data-up]");
  if (up) up.textContent = `for ${span(at - Number(up.dataset.up))}`;
  if (!node || !fresh) return;
  $("[data-seen]").textContent = PRESENT.has(node.state) ? "now" : node.last_seen ? ago(node.last_seen) : "never";
  if (PRESENT.has(node.state)) for (const each of histories) each.goOn(at, { cpu: node.cpu, memory: node.memory, ...flow(at) });
});

/* "Show more" brings the rest of the list here instead of loading the page again. */
onLink(document, "[data-more][href]", async (link) => {
  if (!(await swap("ended", link.href))) return location.assign(link.href);
  return keepInAddress("show", new URL(link.href).searchParams.get("show"));
});
