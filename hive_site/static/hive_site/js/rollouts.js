/* The list of rollouts: rows go on by themselves, new ones are announced. */

import { fill } from "./bind.js";
import "./cells.js";
import { watch } from "./live.js";
import { redraw } from "./parts.js";
import { Pill } from "./pill.js";
import { showCounts, whyOf } from "./rollout_words.js";

const MATRIX_PAUSE_MS = 10_000;
const rows = new Map([...document.querySelectorAll("[data-walk] > [data-key]")].map((row) => [row.dataset.key, row]));
const newest = [...rows.keys()][0] ?? "";
const pill = document.querySelector("[data-new]") && new Pill();

watch("rollouts", ({ whole, set, state }) => {
  for (const key of set.keys()) {
    const row = rows.get(key);
    if (!row) continue;
    const rollout = state.get(key);
    fill(row, { state: rollout.state });
    row.querySelector("[data-why]").textContent = whyOf(rollout.reason);
    const waves = row.querySelectorAll(".waves [data-state]");
    rollout.waves.forEach((wave, n) => { if (waves[n]) waves[n].dataset.state = wave.state; });
    showCounts(row.querySelector("[data-counts]"), rollout.counts, { named: false });
  }
  const fresh = [...state.keys()].filter((key) => key > newest).length;
  if (pill) pill.tell(location.search ? 0 : fresh);
  else if (fresh) location.reload();
  if (set.size && !whole) redraw({ pause: MATRIX_PAUSE_MS });
});
