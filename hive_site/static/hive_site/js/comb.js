/* One honeycomb: where each cell lies, which one a point hits, and how it is painted. */

const ROOT = Math.sqrt(3);
/** The six corners of a cell of radius 1, standing on one of them. */
const CORNERS = [...Array(6).keys()].map((n) => [Math.sin((n * Math.PI) / 3), -Math.cos((n * Math.PI) / 3)]);
const SMALLEST = 0.62;
const GAP = 2;
/** A cell's sign is legible from this radius on, its figures, its name. */
const SIGN_FROM = 7;
const FIGURES_FROM = 19;
const NAME_FROM = 40;
const NAME_LETTERS = 11;
/** How full cells are is told in so many steps: each of them is a stamp. */
const STEPS = 8;

export const SIGNS = { suspect: "?", draining: "◌", cordoned: "◌", updating: "⇡", quarantined: "☣", lost: "✗" };

/** How wide cells are so that so many look well. */
export function radiusFor(count) {
  for (const [most, radius] of [[12, 44], [40, 24], [120, 16], [400, 12], [1000, 9]]) if (count <= most) return radius;
  return 7;
}

export class Comb {
  constructor(radius, width, count) {
    this.radius = radius;
    this.pitch = ROOT * radius + GAP;
    this.rise = 1.5 * radius + GAP * 0.87;
    this.columns = Math.max(Math.floor((width - this.pitch / 2 - 2) / this.pitch), 1);
    this.count = count;
    this.rows = Math.ceil(count / this.columns);
    this.height = Math.ceil(this.rows ? (this.rows - 1) * this.rise + 2 * radius + 4 : 0);
  }

  /** The middle of the n-th cell. */
  middle(n) {
    const row = Math.floor(n / this.columns);
    return [2 + this.pitch / 2 + (n % this.columns) * this.pitch + (row % 2) * (this.pitch / 2), 2 + this.radius + row * this.rise];
  }

  /** The cell at a point, or -1. */
  at(x, y) {
    const row = Math.round((y - 2 - this.radius) / this.rise);
    for (const near of [row, row - 1, row + 1]) {
      const column = Math.round((x - 2 - this.pitch / 2 - (near & 1) * (this.pitch / 2)) / this.pitch);
      const n = near * this.columns + column;
      if (near < 0 || column < 0 || column >= this.columns || n >= this.count) continue;
      const [atX, atY] = this.middle(n);
      if (Math.hypot(x - atX, y - atY) <= this.radius) return n;
    }
    return -1;
  }

  /** The cell that an arrow leads to from the n-th; outside of 0 to count there is none. */
  step(n, key) {
    return n + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[key];
  }
}

/**
 * Paints cells `{ name, fill, size, busy, sign, figures }`; `busy` (0 to 1) is how much of a cell is
 * full, or null for a plain one. Cells that look alike are drawn once and stamped from then on.
 */
export class Painter {
  constructor() {
    this.stamps = new Map();
  }

  /** Colours changed, or sizes: draw all of them anew. */
  forget() {
    this.stamps.clear();
  }

  paint(context, comb, cells, { sharp, ink, paper, focus, at }) {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    const reach = Math.ceil((comb.radius + 1) * sharp);
    cells.forEach((cell, n) => {
      const [x, y] = comb.middle(n);
      context.drawImage(this.stamp(comb.radius, cell, sharp, { ink, paper, reach }), Math.round(x * sharp) - reach, Math.round(y * sharp) - reach);
    });
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    if (comb.radius >= NAME_FROM) cells.forEach((cell, n) => writeName(context, comb, cell, n, { ink, paper }));
    if (at >= 0 && at < cells.length) outline(context, comb, at, focus);
  }

  stamp(radius, cell, sharp, inks) {
    const busy = cell.busy === null ? null : Math.ceil(cell.busy * STEPS) / STEPS;
    const key = [radius, cell.fill, cell.size, busy, cell.sign, radius >= FIGURES_FROM ? cell.figures : ""].join();
    let stamp = this.stamps.get(key);
    if (!stamp) this.stamps.set(key, (stamp = draw(radius, { ...cell, busy }, sharp, inks)));
    return stamp;
  }
}

function draw(radius, cell, sharp, { ink, paper, reach }) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 2 * reach;
  const context = canvas.getContext("2d");
  context.setTransform(sharp, 0, 0, sharp, reach, reach);
  context.fillStyle = cell.fill;
  const outer = radius * (SMALLEST + (1 - SMALLEST) * cell.size);
  context.globalAlpha = cell.busy === null ? 1 : 0.3;
  context.fill(hexagon(outer));
  context.globalAlpha = 1;
  if (cell.busy) context.fill(hexagon(outer * Math.sqrt(cell.busy)));
  if (cell.busy !== null) rim(context, cell.fill, outer);
  const figures = radius >= FIGURES_FROM;
  const text = figures ? [cell.sign, cell.figures].filter(Boolean).join(" ") : cell.sign;
  if (!text || radius < SIGN_FROM) return canvas;
  const size = Math.round(radius * (radius >= NAME_FROM ? 0.36 : figures ? 0.55 : 1.1));
  context.fillStyle = inkOn(cell, { ink, paper });
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `650 ${size}px system-ui, sans-serif`;
  context.fillText(text, 0, radius >= NAME_FROM ? -size * 0.45 : 1);
  return canvas;
}

/** An idle cell is faint, and is told from the paper by its rim. */
function rim(context, fill, outer) {
  const width = Math.max(outer / 16, 1);
  context.strokeStyle = fill;
  context.lineWidth = width;
  context.stroke(hexagon(outer - width / 2));
}

/** What is legible in the middle of a cell. */
function inkOn(cell, { ink, paper }) {
  return cell.busy === null || cell.busy >= 0.4 ? paper : ink;
}

function writeName(context, comb, cell, n, inks) {
  const [x, y] = comb.middle(n);
  context.fillStyle = inkOn(cell, inks);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = "11px system-ui, sans-serif";
  const short = cell.name.length > NAME_LETTERS ? `${cell.name.slice(0, NAME_LETTERS - 1)}…` : cell.name;
  context.fillText(short, x, y + comb.radius * 0.27);
}

function hexagon(radius, x = 0, y = 0) {
  const path = new Path2D();
  for (const [dx, dy] of CORNERS) path.lineTo(x + dx * radius, y + dy * radius);
  path.closePath();
  return path;
}

function outline(context, comb, at, focus) {
  context.strokeStyle = focus;
  context.lineWidth = 2.5;
  context.stroke(hexagon(comb.radius, ...comb.middle(at)));
}
