/* The table of nodes, live: rows of this page go on where they are; new nodes are offered. */

import { fill } from "./bind.js";
import { ago } from "./format.js";
import { watch } from "./live.js";
import { PRESENT } from "./node_rows.js";
import { Pill } from "./pill.js";

const rows = new Map([...document.querySelectorAll("[data-nodes] > [data-key]")].map((row) => [row.dataset.key, row]));
const pill = document.querySelector("[data-new]") && new Pill();
let before = null;

watch("nodes", ({ set, gone, whole, state }) => {
  for (const [name, value] of set) {
    const row = rows.get(name);
    if (!row) continue;
    fill(row, value);
    row.querySelector("[data-f=reason]").title = value.reason;
    row.classList.remove("gone");
    showSeen(row.querySelector("[data-seen]"), value);
  }
  for (const name of gone) rows.get(name)?.classList.add("gone");
  offer(state, whole);
});

/** A node that is there was seen just now; of another, the server says when that was. */
function showSeen(cell, { state, last_seen: seen }) {
  if (PRESENT.has(state) || !seen) {
    delete cell.dataset.at;
    cell.textContent = PRESENT.has(state) ? "now" : "–";
    return;
  }
  Object.assign(cell.dataset, { as: "ago", at: seen });
  cell.textContent = ago(seen);
}

/** Nodes that came since the page was made; the empty page shows the first one at once. */
function offer(state, whole) {
  if (!pill) {
    if (state.size) location.reload();
    return;
  }
  if (whole || before === null) before ??= new Set(state.keys());
  pill.tell([...state.keys()].filter((name) => !before.has(name)).length);
}
