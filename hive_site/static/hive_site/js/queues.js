/* Queues as they fill and drain. What the server drew from jobs/domain/lanes.py goes on here. */

import { fill, Rows } from "./bind.js";
import { History, turnWindows } from "./history.js";
import { onBeat, watch } from "./live.js";
import { redraw } from "./parts.js";
import { Spark } from "./spark.js";

const ROOM = 60;
const CHART_HEIGHT = 170;
const FILTERS = document.querySelector(".filters");
const MOST_JOBS = 6;

function* roundNumbers() {
  for (let power = 1; ; power *= 10) yield* [power, 2 * power, 5 * power];
}

/** How many subtasks a block stands for, and the age of each block of a lane. */
function drawBlocks(ages) {
  for (const each of roundNumbers()) {
    const counts = ages.map((waiting) => Math.ceil(waiting / each));
    const all = counts.reduce((sum, count) => sum + count, 0);
    if (all <= ROOM) return [each, [...Array(ROOM - all).fill(""), ...counts.flatMap((count, age) => Array(count).fill(age))]];
  }
}

function readMood({ depth, paused, in: into, out }) {
  if (paused) return "paused";
  if (!depth) return "empty";
  if (into === null || out === null) return "unknown";
  if (!out) return "stuck";
  if (out > into) return "draining";
  return out === into ? "steady" : "growing";
}

function waitingOf(job) {
  return job.total - job.succeeded - job.failed - job.cancelled - job.running;
}

class Lane {
  constructor(card) {
    this.card = card;
    this.name = card.dataset.queue;
    this.blocks = [...card.querySelectorAll("[data-lane] rect")];
    this.sparks = [...card.querySelectorAll("[data-spark]")].map((svg) => [svg.dataset.spark, new Spark(svg)]);
    this.charts = [
      this.chart("depth", "count", [{ name: "depth", label: "waiting", colour: "--s-queued", fill: true }]),
      this.chart("flow", "rate", [
        { name: "in", label: "in", colour: "--calm" },
        { name: "out", label: "out", colour: "--good" },
      ]),
    ];
    turnWindows(FILTERS, `queue/${this.name}`, this.charts);
    this.jobs = new Rows(card.querySelector(".who tbody"), (row, job, key) => {
      fill(row, { id: key, task: job.task, waiting: waitingOf(job), since: job.created_at });
      row.querySelector("a").href = `/jobs/${encodeURIComponent(key)}/`;
    });
    this.paused = card.dataset.mood === "paused";
    this.row = null;
  }

  chart(name, format, lines) {
    const holder = this.card.querySelector(`[data-chart="${name}"]`);
    holder.dataset.series = this.card.dataset.series;
    return new History(holder, { format, lines, height: CHART_HEIGHT }, FILTERS.querySelector("[aria-current]").dataset.window);
  }

  show(row) {
    this.card.dataset.mood = readMood(row);
    const [each, ages] = drawBlocks(row.ages);
    ages.forEach((age, n) => { this.blocks[n].dataset.age = age; });
    this.card.querySelector(".lane").dataset.known = "yes";
    fill(this.card, {
      ...row,
      state: row.paused ? "paused" : "open",
      drain: row.out > row.in ? row.depth / (row.out - row.in) : null,
      per_block: each,
      per_block_unit: each === 1 ? "subtask" : "subtasks",
    });
    this.row = row;
    if (row.paused !== this.paused) redraw();
    this.paused = row.paused;
  }

  /** Of the newest jobs; the server alone knows the oldest, which stay until something is told of them. */
  showJobs(state) {
    for (const [key, job] of state) {
      const waits = job.queue === this.name && !job.finished_at && waitingOf(job) > 0;
      if (!waits) this.jobs.drop(key);
      else if (this.jobs.has(key) || this.jobs.rows.size < MOST_JOBS) this.jobs.set(key, job);
    }
  }

  /** A second later, whether anything was told or not. */
  goOn(now) {
    if (!this.row) return;
    for (const chart of this.charts) chart.goOn(now, this.row);
    for (const [name, spark] of this.sparks) spark.push(this.row[name]);
  }
}

const lanes = new Map();
for (const card of document.querySelectorAll("[data-queue]")) {
  const lane = new Lane(card);
  lanes.set(lane.name, lane);
}

watch("jobs", ({ state }) => {
  for (const lane of lanes.values()) lane.showJobs(state);
});

watch("figures", ({ set, state }) => {
  for (const key of set.keys()) {
    const lane = key.startsWith("queue/") && lanes.get(key.slice("queue/".length));
    if (lane) lane.show(state.get(key));
  }
});

onBeat(({ at, fresh }) => {
  if (!fresh) return;
  for (const lane of lanes.values()) lane.goOn(at);
});
