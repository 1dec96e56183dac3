/* The overview, live: figures, what needs somebody, the matrix, the chart, jobs. */

import { keepInAddress, markChosen, onLink } from "./address.js";
import { fill, Rows } from "./bind.js";
import { count, percent, show, span } from "./format.js";
import { History, turnWindows } from "./history.js";
import { isFrozen, onBeat, watch } from "./live.js";
import { Matrix } from "./matrix.js";
import { countStates, LEVELS, rankReleases } from "./node_rows.js";
import { Spark } from "./spark.js";
import { Work } from "./work.js";

const SPARK_STEP_MS = 10_000;
const $ = (selector) => document.querySelector(selector);

/* Figures, with a point of each small line every ten seconds. */
let cluster = null;
const sparks = new Map([...document.querySelectorAll("[data-spark]:not([data-spark=''])")].map((svg) => [svg.dataset.spark, new Spark(svg)]));

watch("figures", ({ state }) => {
  cluster = state.get("cluster") ?? cluster;
  if (!cluster) return;
  for (const holder of document.querySelectorAll("[data-cluster]")) fill(holder, cluster);
  for (const item of document.querySelectorAll("[data-if]")) item.hidden = !cluster[item.dataset.if];
  $("[data-busy]").value = cluster.slots ? cluster.busy / cluster.slots : 0;
});

const failing = { ended: 0, failed: 0 };
setInterval(() => {
  if (!cluster || isFrozen() || document.body.dataset.live !== "live") return;
  for (const name of ["succeeded", "depth", "oldest_wait"]) sparks.get(name).push(cluster[name]);
  sparks.get("failure").push(failing.ended ? failing.failed / failing.ended : null);
  Object.assign(failing, { ended: 0, failed: 0 });
}, SPARK_STEP_MS);

/* The chart; and what ended in the last 15 minutes, from which the failure rate is counted. */
const holder = $("[data-chart]");
const lately = JSON.parse($("[data-lately]").dataset.lately);
const chart = new History(holder, {
  height: 280,
  lines: [
    { name: "succeeded", label: "succeeded", colour: "--s-succeeded", fill: true },
    { name: "failed", label: "failed", colour: "--s-failed" },
    { name: "retried", label: "retried", colour: "--s-retrying" },
  ],
}, $("[data-windows] [aria-current]").dataset.window);
const refresh = turnWindows($("[data-windows]"), "cluster", [chart]);
document.addEventListener("visibilitychange", refresh);

onBeat(({ at, fresh, age }) => {
  const shown = $("[data-age]");
  if (shown && age !== null) shown.textContent = span(age);
  if (!cluster || !fresh) return;
  $("[data-no-history]")?.remove();
  chart.goOn(at, cluster);
  lately.push([at, cluster.succeeded, cluster.failed]);
  while (lately.length && lately[0][0] < at - 900) lately.shift();
  failing.ended += cluster.succeeded + cluster.failed;
  failing.failed += cluster.failed;
  const sum = (n) => lately.reduce((total, row) => total + row[n], 0);
  const ended = sum(1) + sum(2);
  $("[data-failure]").textContent = show(ended ? sum(2) / ended : null, "share");
});

/* What needs somebody. */
/** A sentence whose `commands` are shown as such, as the template filter of that name does. */
function showCommands(sentence) {
  return sentence.split("`").map((part, n) => (n % 2 ? Object.assign(document.createElement("code"), { textContent: part }) : part));
}

const needs = new Rows($("[data-needs]"), (row, need) => {
  row.dataset.kind = need.kind;
  const title = row.querySelector("[data-title]");
  const verb = row.querySelector("[data-verb]");
  Object.assign(title, { href: need.url, textContent: need.title });
  row.querySelector("[data-cause]").replaceChildren(...showCommands(need.cause));
  verb.hidden = !need.verb;
  if (need.verb) Object.assign(verb, { href: `${need.verb.url}?next=/`, textContent: need.verb.label });
});
watch("needs", ({ error, state }) => {
  if (error) return;
  for (const key of [...needs.rows.keys()]) if (!state.has(key)) needs.drop(key);
  for (const [key, need] of state) needs.set(key, need);
  $("[data-calm]").hidden = state.size > 0;
});

/* The matrix. */
const map = $("[data-matrix]");
if (map) {
  const matrix = new Matrix(map, { readout: $("[data-readout]") });
  watch("nodes", ({ state }) => {
    matrix.set(state);
    legend(matrix);
  });
  onLink($("[data-colours]"), "[data-color]", (link) => {
    markChosen($("[data-colours]"), link);
    matrix.colourBy(link.dataset.color);
    legend(matrix);
    keepInAddress("color", link.dataset.color);
  });
}

function legend({ colour, rows }) {
  const item = (text, data) => {
    const li = document.createElement("li");
    const swatch = document.createElement("i");
    swatch.className = "cell";
    Object.assign(swatch.dataset, data);
    li.append(swatch, text);
    return li;
  };
  const states = () => countStates(rows).map(([state, n]) => {
    const li = document.createElement("li");
    li.className = "state";
    li.dataset.state = state;
    li.textContent = `${count(n)} ${state}`;
    return li;
  });
  const releases = () => [...rankReleases([...rows.values()].map((row) => row.release))].map(([name, rank]) => item(name || "no release", { rank }));
  const loads = () => [...Array(LEVELS).keys()].map((level) => item(`to ${percent((level + 1) / LEVELS)}`, { level }));
  $("[data-legend]").replaceChildren(...{ state: states, version: releases, cpu: loads, memory: loads }[colour]());
}

/* A page without nodes has no matrix; when the first one comes, there is one. */
if (!map && !$("#matrix table")) watch("nodes", ({ state }) => { if (state.size) location.reload(); });

const work = new Work($("[data-jobs]"));
watch("jobs", ({ state }) => work.set(state));
