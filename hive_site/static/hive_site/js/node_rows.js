/* What the rows of the topic `nodes` say, in the same words wherever they are shown. */

import { percent } from "./format.js";

/** States of nodes that are there. */
export const PRESENT = new Set(["online", "draining", "cordoned", "updating"]);
const GRAVITY = ["lost", "quarantined", "suspect", "draining", "cordoned", "updating", "online"];
/** So many steps has a scale of loads, and one of releases. */
export const LEVELS = 5;
export const RANKS = 5;

/** The place of each release, 0 for the newest; all old ones share the last place. */
export function rankReleases(releases) {
  const ordered = [...new Set(releases)].sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  return new Map(ordered.map((release, n) => [release, Math.min(n, RANKS - 1)]));
}

/** The step of a load of 0 to 1. */
export function levelOf(load) {
  return Math.min(Math.floor(load * LEVELS), LEVELS - 1);
}

/** How many nodes are in each state, the gravest first. */
export function countStates(rows) {
  const counts = new Map();
  for (const row of rows.values()) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => gravity(a) - gravity(b));
}

/** The place of a state, 0 for the gravest. */
export function gravity(state) {
  const place = GRAVITY.indexOf(state);
  return place < 0 ? GRAVITY.length : place;
}

/** What a cell says of its node, by its row. */
export function describe(row) {
  const loads = `CPU ${percent(row.cpu)}, memory ${percent(row.memory)}`;
  return `${row.state}${row.reason ? `, ${row.reason}` : ""}; ${row.running} of ${row.slots} slots busy; ${loads}${row.release ? `; ${row.release}` : ""}`;
}
