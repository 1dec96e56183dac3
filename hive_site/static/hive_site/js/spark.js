/* Small lines beside a figure: an SVG that the server drew, and that goes on by itself. */

const WIDTH = 100;
const HEIGHT = 30;

/** `points` of the polyline and the polygon of a line through values; gaps are left out. */
export function path(values, top) {
  const most = Math.max(top ?? 0, ...values.filter((value) => value !== null), 1e-9);
  const step = values.length > 1 ? WIDTH / (values.length - 1) : 0;
  return values
    .map((value, n) => (value === null ? null : `${(n * step).toFixed(1)},${(HEIGHT - (value / most) * HEIGHT).toFixed(1)}`))
    .filter(Boolean)
    .join(" ");
}

/** What lies below a line: from where it begins to where it ends. */
function area(points) {
  if (!points) return "";
  const [first, last] = [points, points.slice(points.lastIndexOf(" ") + 1)].map((point) => point.slice(0, point.indexOf(",")));
  return `${first},${HEIGHT} ${points} ${last},${HEIGHT}`;
}

/** A line that takes in one value after the other and forgets the oldest. */
export class Spark {
  constructor(svg) {
    this.svg = svg;
    this.values = JSON.parse(svg.dataset.values);
    this.most = Number(svg.dataset.most ?? 120);
  }

  push(value) {
    this.values.push(value);
    while (this.values.length > this.most) this.values.shift();
    const points = path(this.values);
    this.svg.querySelector("polyline").setAttribute("points", points);
    this.svg.querySelector("polygon").setAttribute("points", area(points));
  }
}
