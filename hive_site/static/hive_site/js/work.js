/* The overview's list of jobs: what is under way, and what ended last. */

import { fill, fillBar, Rows } from "./bind.js";
import { ago, count, span } from "./format.js";

/** When a job will end, or did. */
function whenOf(job) {
  if (job.finished_at !== null) return ago(job.finished_at);
  if (job.eta !== null) return `ready in ${span(job.eta)}`;
  return job.state === "running" ? "no estimate yet" : "";
}

function write(row, job, id) {
  const link = row.querySelector("[data-link]");
  if (!link.getAttribute("href")) {
    link.href = `/jobs/${id}/`;
    link.prepend(job.task);
    row.querySelector("[data-id]").textContent = id;
  }
  fill(row, job);
  fillBar(row.querySelector(".bar"), job);
  row.querySelector("[data-failed]").textContent = job.failed ? `, ${count(job.failed)} failed` : "";
  const when = row.querySelector("[data-when]");
  when.textContent = whenOf(job);
  if (job.finished_at !== null) Object.assign(when.dataset, { as: "ago", at: job.finished_at });
  else delete when.dataset.at;
}

export class Work {
  constructor(section) {
    const list = (name) => section.querySelector(`[data-${name}-jobs]`);
    this.section = section;
    this.open = new Rows(list("open"), write);
    this.ended = new Rows(list("ended"), write);
    this.held = section.querySelector("[data-held]");
    this.jobs = new Map();
    this.held.addEventListener("click", () => this.arrange());
    section.addEventListener("pointerleave", () => this.held.hidden || this.arrange());
  }

  /** Nothing moves under the pointer, or while somebody walks through the list with keys. */
  get isRead() {
    return this.section.matches(":hover") || this.section.querySelector("ul :focus") !== null;
  }

  set(jobs) {
    this.jobs = jobs;
    if (!this.isRead) return this.arrange();
    for (const rows of [this.open, this.ended]) {
      for (const id of rows.rows.keys()) if (jobs.has(id)) rows.set(id, jobs.get(id));
    }
    const wanted = this.wanted();
    const isNew = (rows) => ([id]) => !rows.has(id);
    const news = wanted.open.filter(isNew(this.open)).length + wanted.ended.filter(isNew(this.ended)).length;
    this.held.hidden = news === 0;
    this.held.textContent = `${news} new, show`;
    return undefined;
  }

  /** What the lists would show now, the newest first. */
  wanted() {
    const all = [...this.jobs].sort(([a], [b]) => (a < b ? 1 : -1));
    const ended = all.filter(([, job]) => job.finished_at !== null).sort(([, a], [, b]) => b.finished_at - a.finished_at);
    const open = all.filter(([, job]) => job.finished_at === null);
    const { mostOpen, mostEnded } = this.section.dataset;
    return { open: open.slice(0, mostOpen), ended: ended.slice(0, mostEnded), more: Math.max(open.length - mostOpen, 0) };
  }

  arrange() {
    this.held.hidden = true;
    const { open, ended, more } = this.wanted();
    lay(this.open, open);
    lay(this.ended, ended);
    const show = (name, on) => { this.section.querySelector(`[data-${name}]`).hidden = !on; };
    show("none", !open.length && !ended.length);
    show("idle", !open.length && ended.length);
    show("more-open", more);
    show("ended-title", ended.length);
    this.section.querySelector("[data-more-count]").textContent = count(more);
  }
}

/** Have exactly these rows, in this order; those that stay are not touched more than needed. */
function lay(rows, jobs) {
  const wanted = new Set(jobs.map(([id]) => id));
  for (const id of [...rows.rows.keys()]) if (!wanted.has(id)) rows.drop(id);
  jobs.forEach(([id, job], n) => {
    rows.set(id, job);
    const row = rows.rows.get(id);
    if (rows.body.children[n] !== row) rows.body.insertBefore(row, rows.body.children[n] ?? null);
  });
}
