/*
 * All subtasks of a job, a cell each: one byte a subtask, painted into one picture. Where there are
 * too many, a cell stands for several, and shows the worst. Beside it stands the table.
 */

import { onTheme } from "./colours.js";
import { count } from "./format.js";
import { say } from "./live.js";

export const WORDS = ["blocked", "waiting", "queued", "running", "retrying", "succeeded", "failed", "cancelled", "quarantined"];
const SIGNS = ["⋯", "·", "○", "▶", "↻", "✓", "✗", "⊘", "☣"];
const STRENGTH = [0.16, 0.22, 0.45, 1, 1, 0.72, 1, 0.5, 1];
const FADED = 0.12;
/* What one looks for is worse than what is well: later is worse. */
const RANK = Uint8Array.from([1, 2, 3, 5, 6, 0, 7, 4, 8]);
const MOST_CELLS = 250_000;
const SMALLEST = 2;
const LARGEST = 22;
const TALLEST = 860;
/* Finer than this no eye sees, and the picture would take four times as long. */
const FINE_CELLS = 20_000;
const ROUND_FROM = 8;
const SIGN_FROM = 14;

export class Grid {
  /** `legend`: the links that tell the states' colours; `open(index)` opens a subtask. */
  constructor(holder, legend, open) {
    this.holder = holder;
    this.canvas = holder.querySelector("canvas");
    this.tip = holder.querySelector(".tip");
    this.colours = new Map([...legend].map((link) => [Number(link.dataset.byte), link.querySelector(".state")]));
    this.open = open;
    this.bytes = new Uint8Array();
    this.counts = new Uint32Array(WORDS.length);
    this.only = null;
    this.cursor = 0;
    holder.hidden = false;
    new ResizeObserver(() => this.lay()).observe(holder);
    onTheme(() => this.lay());
    this.listen();
  }

  /** Replace everything. */
  load(bytes) {
    const sameSize = bytes.length === this.bytes.length;
    this.bytes = bytes;
    this.counts.fill(0);
    for (const byte of bytes) this.counts[byte] += 1;
    this.measureCells();
    if (sameSize && this.image) this.paintAll();
    else this.lay();
  }

  /** Change single bytes, by index. */
  change(bytes) {
    const dirty = new Set();
    for (const [index, byte] of bytes) {
      if (index >= this.bytes.length) continue;
      this.counts[this.bytes[index]] -= 1;
      this.counts[byte] += 1;
      this.bytes[index] = byte;
      dirty.add(Math.floor(index / this.per));
    }
    for (const cell of dirty) this.cells[cell] = this.worst(cell);
    this.paint(dirty);
  }

  /** Let all but these states fade; null shows all alike. */
  show(only) {
    this.only = only;
    if (this.image) this.paintAll();
  }

  measureCells() {
    this.per = Math.max(Math.ceil(this.bytes.length / MOST_CELLS), 1);
    const number = Math.ceil(this.bytes.length / this.per);
    this.cells = this.per === 1 ? this.bytes : Uint8Array.from({ length: number }, (_, cell) => this.worst(cell));
  }

  worst(cell) {
    if (this.per === 1) return this.bytes[cell];
    let found = this.bytes[cell * this.per];
    const end = Math.min((cell + 1) * this.per, this.bytes.length);
    for (let index = cell * this.per + 1; index < end; index += 1) {
      if (RANK[this.bytes[index]] > RANK[found]) found = this.bytes[index];
    }
    return found;
  }

  /** Find the size of a cell for the room there is, and paint. */
  lay() {
    const number = this.cells?.length ?? 0;
    const room = this.holder.clientWidth;
    if (!number || !room) return;
    const fine = number > FINE_CELLS ? 1 : Math.min(devicePixelRatio, 2);
    this.side = Math.min(Math.max(Math.floor(Math.sqrt((room * TALLEST) / number)), SMALLEST), LARGEST);
    this.columns = Math.min(Math.max(Math.floor(room / this.side), 1), number);
    this.rows = Math.ceil(number / this.columns);
    this.size = Math.round(this.side * fine);
    this.gap = this.size >= 4 ? Math.max(Math.round(this.size / 9), 1) : 0;
    this.canvas.width = this.columns * this.size;
    this.canvas.height = this.rows * this.size;
    this.canvas.style.width = `${this.columns * this.side}px`;
    this.canvas.style.height = `${this.rows * this.side}px`;
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.makeTiles(fine);
    this.paintAll();
  }

  makeTiles(fine) {
    this.tiles = [1, FADED].map((dim) => WORDS.map((_, byte) => this.tile(byte, STRENGTH[byte] * dim, dim === 1 && this.side >= SIGN_FROM, fine)));
  }

  tile(byte, strength, signed, fine) {
    const { gap } = this;
    const tile = new OffscreenCanvas(this.size, this.size).getContext("2d");
    tile.fillStyle = getComputedStyle(this.colours.get(byte)).color;
    tile.globalAlpha = strength;
    tile.beginPath();
    tile.roundRect(0, 0, this.size - gap, this.size - gap, this.side >= ROUND_FROM ? 2 * fine : 0);
    tile.fill();
    if (signed) {
      tile.globalAlpha = 1;
      if (strength > 0.5) tile.fillStyle = getComputedStyle(this.holder).backgroundColor;
      tile.font = `${Math.round((this.size - gap) * 0.62)}px system-ui`;
      tile.textAlign = "center";
      tile.textBaseline = "middle";
      tile.fillText(SIGNS[byte], (this.size - gap) / 2, (this.size - gap) / 2 + fine / 2);
    }
    return new Uint32Array(tile.getImageData(0, 0, this.size, this.size).data.buffer);
  }

  paintAll() {
    this.paint(null);
  }

  /** Paint these cells, or all; `data-paint` says how many milliseconds that took. */
  paint(cells) {
    if (!this.image) return;
    const begun = performance.now();
    const rows = cells ? [...new Set([...cells].map((cell) => Math.floor(cell / this.columns)))] : [...Array(this.rows).keys()];
    if (this.side < ROUND_FROM) for (const row of rows) this.putRow(row);
    else for (const cell of cells ?? this.cells.keys()) this.put(cell, Math.floor(cell / this.columns), cell % this.columns);
    const top = Math.min(...rows);
    const bottom = Math.max(...rows) + 1;
    if (rows.length) this.context.putImageData(this.image, 0, 0, 0, top * this.size, this.canvas.width, (bottom - top) * this.size);
    this.canvas.dataset.paint = (performance.now() - begun).toFixed(1);
  }

  /** A row of small cells: its first line, of which the others are copies. */
  putRow(row) {
    const { size, pixels, cells } = this;
    const width = this.columns * size;
    const begin = row * size * width;
    const end = Math.min((row + 1) * this.columns, cells.length);
    for (let cell = row * this.columns, at = begin; cell < end; cell += 1) {
      const colour = this.tileOf(cells[cell])[0];
      for (let x = 0; x < size - this.gap; x += 1) pixels[at + x] = colour;
      at += size;
    }
    for (let y = 1; y < size - this.gap; y += 1) pixels.copyWithin(begin + y * width, begin, begin + width);
  }

  tileOf(byte) {
    return this.tiles[this.only && !this.only.has(byte) ? 1 : 0][byte];
  }

  put(cell, row, column) {
    const { size, pixels } = this;
    const tile = this.tileOf(this.cells[cell]);
    const width = this.columns * size;
    let at = row * size * width + column * size;
    let from = 0;
    for (let y = 0; y < size; y += 1, at += width) {
      for (let x = 0; x < size; x += 1, from += 1) pixels[at + x] = tile[from];
    }
  }

  listen() {
    this.canvas.addEventListener("pointermove", (event) => this.point(this.cellAt(event)));
    this.canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    this.canvas.addEventListener("blur", () => { this.tip.hidden = true; });
    this.canvas.addEventListener("focus", () => {
      if (this.canvas.matches(":focus-visible")) this.point(this.cursor);
    });
    this.canvas.addEventListener("click", (event) => {
      const cell = this.cellAt(event);
      if (cell === null) return;
      this.cursor = cell;
      this.open(this.indexOf(cell));
    });
    this.canvas.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.open(this.indexOf(this.cursor));
      return;
    }
    const last = this.cells.length - 1;
    const to = {
      ArrowLeft: this.cursor - 1, ArrowRight: this.cursor + 1, ArrowUp: this.cursor - this.columns, ArrowDown: this.cursor + this.columns,
      Home: 0, End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.cursor = Math.min(Math.max(to, 0), last);
    this.point(this.cursor);
    say(this.tip.textContent);
  }

  cellAt(event) {
    const column = Math.floor(event.offsetX / this.side);
    const cell = Math.floor(event.offsetY / this.side) * this.columns + column;
    return column >= 0 && column < this.columns && cell >= 0 && cell < this.cells.length ? cell : null;
  }

  /** The subtask of a cell; of several, the first that is as bad as the worst. */
  indexOf(cell) {
    if (this.per === 1) return cell;
    const begin = cell * this.per;
    return begin + this.bytes.subarray(begin, begin + this.per).indexOf(this.cells[cell]);
  }

  point(cell) {
    this.tip.hidden = cell === null;
    if (cell === null) return;
    const word = WORDS[this.cells[cell]];
    const end = Math.min((cell + 1) * this.per, this.bytes.length) - 1;
    this.tip.textContent = this.per === 1 ? `#${cell} ${word}` : `#${cell * this.per} to #${end}: worst is ${word}`;
    this.tip.dataset.state = word;
    const left = (cell % this.columns) * this.side;
    const top = Math.floor(cell / this.columns) * this.side;
    const right = left > this.canvas.clientWidth - 160;
    this.tip.style.left = `${left + (right ? -6 : this.side + 6)}px`;
    this.tip.style.translate = right ? "-100% 0" : "0 0";
    this.tip.style.top = `${Math.max(top - 8, 0)}px`;
  }

  /** What all cells say together, in words. */
  said() {
    const parts = WORDS.map((word, byte) => (this.counts[byte] ? `${count(this.counts[byte])} ${word}` : "")).filter(Boolean);
    return `${count(this.bytes.length)} subtask${this.bytes.length === 1 ? "" : "s"}: ${parts.join(", ")}. Arrow keys move, Enter opens`;
  }
}
