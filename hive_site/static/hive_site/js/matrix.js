/*
 * The matrix of nodes: a canvas for each group, painted from the rows of the topic `nodes`.
 * The server draws the same as links (hive_site/pages/matrix.py), which these take over from.
 */

import { onTheme, painted } from "./colours.js";
import { Comb, Painter, radiusFor, SIGNS } from "./comb.js";
import { count, percent } from "./format.js";
import { say } from "./live.js";
import { describe, gravity, LEVELS, levelOf, PRESENT, RANKS, rankReleases } from "./node_rows.js";

const RELEASE_LETTERS = 8;
const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "Enter"]);
/** States by the variable that has their colour. */
const STATE_COLOURS = {
  online: "--s-succeeded", suspect: "--warn", draining: "--warn", cordoned: "--warn", updating: "--s-running",
  quarantined: "--s-quarantined", lost: "--s-failed",
};

export class Matrix {
  constructor(holder, { readout }) {
    Object.assign(this, { holder, readout, rows: new Map(), groups: new Map(), painter: new Painter(), colour: holder.dataset.color, label: holder.dataset.group });
    this.base = holder.dataset.base;
    this.many = "many" in holder.dataset;
    this.idle = readout.textContent;
    for (const section of holder.querySelectorAll("section")) this.takeOver(section);
    this.readColours();
    if (this.rows.size) this.layOut();
    new ResizeObserver(() => this.rows.size && this.layOut()).observe(holder);
    onTheme(() => {
      this.readColours();
      this.paint();
    });
  }

  /** Take rows as the server wrote them into its links, until the live ones come. */
  takeOver(section) {
    for (const { dataset } of section.querySelectorAll("a.cell")) {
      const [slots, running, cpu, memory] = [dataset.slots, dataset.running, dataset.cpu, dataset.memory].map(Number);
      const labels = this.label && section.dataset.name !== "without" ? { [this.label]: section.dataset.name } : {};
      this.rows.set(dataset.name, { state: dataset.state, reason: dataset.reason, slots, running, cpu, memory, release: dataset.release, labels });
    }
    this.groups.set(section.dataset.name, this.begin(section));
  }

  begin(section) {
    section.querySelector(".cells")?.remove();
    if (this.many) return { section, canvas: null, names: [], at: -1, comb: null };
    const canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", `Nodes${section.dataset.name ? ` of ${section.dataset.name}` : ""}: arrow keys move, Enter opens. There is a table as well.`);
    section.append(canvas);
    const group = { section, canvas, names: [], at: -1, comb: null };
    canvas.addEventListener("pointermove", (event) => this.point(group, group.comb.at(event.offsetX, event.offsetY)));
    canvas.addEventListener("pointerleave", () => this.point(group, -1));
    canvas.addEventListener("click", () => this.open(group));
    canvas.addEventListener("keydown", (event) => this.press(group, event));
    canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && this.move(group, Math.max(group.at, 0)));
    canvas.addEventListener("blur", () => this.point(group, -1));
    return group;
  }

  /** All rows anew, by name. */
  set(rows) {
    const names = rows.size !== this.rows.size || [...rows.keys()].some((name) => !this.rows.has(name));
    const moved = this.label && [...rows].some(([name, row]) => row.labels[this.label] !== this.rows.get(name)?.labels[this.label]);
    this.rows = new Map(rows);
    if (names || moved) this.layOut();
    else this.paint();
  }

  colourBy(colour) {
    this.colour = colour;
    this.paint();
  }

  layOut() {
    const parts = new Map([...this.groups.keys()].map((name) => [name, []]));
    for (const name of [...this.rows.keys()].sort()) {
      const value = this.label ? (this.rows.get(name).labels[this.label] ?? "without") : "";
      if (!parts.has(value)) parts.set(value, []);
      parts.get(value).push(name);
    }
    const radius = radiusFor(this.rows.size);
    for (const [value, names] of parts) {
      const group = this.groups.get(value) ?? this.add(value);
      group.section.hidden = names.length === 0;
      group.names = names;
      if (!this.many) this.fit(group, radius);
    }
    this.paint();
  }

  add(value) {
    const section = this.holder.querySelector("section").cloneNode(true);
    section.dataset.name = value;
    section.querySelector("canvas")?.remove();
    const link = section.querySelector("h3 a");
    link.href = `${this.base}?label=${encodeURIComponent(`${this.label}=${value}`)}`;
    link.firstElementChild.textContent = value;
    this.holder.append(section);
    const group = this.begin(section);
    this.groups.set(value, group);
    return group;
  }

  fit(group, radius) {
    const sharp = devicePixelRatio || 1;
    const width = group.section.clientWidth || this.holder.clientWidth;
    const comb = new Comb(radius, width, group.names.length);
    const { canvas } = Object.assign(group, { comb });
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(comb.height * sharp);
    canvas.style.height = `${comb.height}px`;
  }

  readColours() {
    this.painter.forget();
    const read = (name) => painted(name, this.holder);
    this.colours = Object.fromEntries(Object.entries(STATE_COLOURS).map(([state, name]) => [state, read(name)]));
    this.loads = [...Array(LEVELS).keys()].map((n) => read(`--load-${n}`));
    this.releases = [...Array(RANKS).keys()].map((n) => read(`--rank-${n}`));
    this.inks = { ink: read("--ink"), paper: read("--card"), focus: read("--focus") };
  }

  /** Paint all groups; `data-paint` says how many milliseconds that took. */
  paint() {
    const begun = performance.now();
    const rows = [...this.rows.values()];
    this.ranks = rankReleases(rows.map((row) => row.release));
    this.most = rows.reduce((most, row) => Math.max(most, row.slots), 1);
    for (const group of this.groups.values()) {
      if (!this.many) this.paintGroup(group);
      this.head(group);
    }
    this.holder.dataset.paint = (performance.now() - begun).toFixed(1);
  }

  paintGroup({ canvas, comb, names, at }) {
    if (!comb) return;
    const cells = names.map((name) => this.cell(name, this.rows.get(name)));
    this.painter.paint(canvas.getContext("2d"), comb, cells, { ...this.inks, sharp: devicePixelRatio || 1, at });
  }

  cell(name, row) {
    const byState = this.colour === "state";
    const fill = byState ? (this.colours[row.state] ?? this.colours.cordoned)
      : this.colour === "version" ? this.releases[this.ranks.get(row.release)] : this.loads[levelOf(row[this.colour])];
    return {
      name, fill, size: Math.sqrt(row.slots / this.most), busy: byState ? Math.min(row.running / Math.max(row.slots, 1), 1) : null,
      sign: SIGNS[row.state], figures: this.figuresOf(row),
    };
  }

  figuresOf(row) {
    if (this.colour === "state") return `${row.running}/${row.slots}`;
    return this.colour === "version" ? row.release.slice(0, RELEASE_LETTERS) : percent(row[this.colour]);
  }

  /** What a group's head says of its capacity. */
  head({ section, names }) {
    const rows = names.map((name) => this.rows.get(name));
    const there = rows.filter((row) => PRESENT.has(row.state));
    const sum = (field) => there.reduce((total, row) => total + row[field], 0);
    const [slots, busy] = [sum("slots"), sum("running")];
    section.querySelector("h3 .hint").textContent = `${count(names.length)} node${names.length === 1 ? "" : "s"}, ${count(busy)} of ${count(slots)} slots busy`;
    section.querySelector("h3 meter").value = slots ? busy / slots : 0;
    const state = rows.map((row) => row.state).sort((a, b) => gravity(a) - gravity(b))[0];
    if (state) section.dataset.state = section.querySelector("h3 .state").dataset.state = state;
  }

  point(group, at) {
    if (at === group.at) return;
    group.at = at;
    this.paintGroup(group);
    const name = group.names[at];
    if (!name) {
      this.readout.textContent = this.idle;
      return;
    }
    const strong = document.createElement("strong");
    strong.textContent = name;
    this.readout.replaceChildren(strong, ` ${describe(this.rows.get(name))}`);
  }

  move(group, at) {
    this.point(group, Math.min(Math.max(at, 0), group.names.length - 1));
    say(`${group.names[group.at]}: ${describe(this.rows.get(group.names[group.at]))}`);
  }

  press(group, event) {
    if (!ARROWS.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (event.key === "Enter") return this.open(group);
    const to = event.key === "Home" ? 0 : event.key === "End" ? group.names.length - 1 : group.comb.step(group.at, event.key);
    if (to >= 0 && to < group.names.length) return this.move(group, to);
    const all = [...this.groups.values()].filter((each) => each.names.length);
    const next = all[all.indexOf(group) + (to < 0 ? -1 : 1)];
    if (next) next.canvas.focus();
  }

  open(group) {
    const name = group.names[group.at];
    if (name) location.assign(`${this.base}${encodeURIComponent(name)}/`);
  }
}
