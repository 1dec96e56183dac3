/* The list of jobs, live: rows that are there change in place, new ones wait to be asked for. */

import { fill, fillBar } from "./bind.js";
import { watch } from "./live.js";
import { swap } from "./parts.js";
import { Pill } from "./pill.js";

const pill = new Pill((url) => swap("rows", url));

function list() {
  return document.querySelector("main [data-walk]");
}

function fits(job, { state, queue, task, narrow }) {
  return !narrow && (!state || state.split(",").includes(job.state)) && (!queue || job.queue === queue) && (!task || job.task === task);
}

/** How many jobs of the first page are newer than all that are shown. */
function countNew(jobs, body) {
  if (body.dataset.first !== "yes") return 0;
  return [...jobs].filter(([id, job]) => id > body.dataset.newest && fits(job, body.dataset)).length;
}

watch("jobs", ({ set, state }) => {
  const body = list();
  if (!body) return;
  for (const [id, job] of set) {
    const row = body.querySelector(`[data-key="${CSS.escape(id)}"]`);
    if (!row) continue;
    fill(row, job);
    fillBar(row.querySelector(".bar"), job);
    row.querySelector("[data-failed]").hidden = !job.failed;
  }
  pill.tell(countNew(state, body));
});
