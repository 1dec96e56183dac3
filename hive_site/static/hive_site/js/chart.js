/* Charts over time: uPlot in the page's own colours. Beside each stands its table. */

import { onTheme, painted } from "./colours.js";
import { show } from "./format.js";

const uPlot = globalThis.uPlot;
/* Steps of an axis, none finer than its marks can tell: of things there is no half. */
const WHOLE = [...Array(13).keys()].flatMap((n) => [1, 2, 5].map((each) => each * 10 ** n));
const STEPS = { count: WHOLE, rate: [0.1, 0.2, 0.5, ...WHOLE] };

/** Moments in Unix seconds as marks of an axis: the time of day, with the day where it turns. */
function marks(moments, step) {
  let day = null;
  return moments.map((moment) => {
    const at = new Date(moment * 1000);
    const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: step < 60 ? "2-digit" : undefined });
    const turned = day !== null && day !== at.getDate();
    day = at.getDate();
    return turned || step >= 86_400 ? at.toLocaleDateString("en-GB", { day: "numeric", month: "short" }) : time;
  });
}

function moment(at) {
  return at === null ? "–" : new Date(at * 1000).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/**
 * A chart in `holder`. `lines`: [{ name, label, colour: "--s-running", fill }]; values are shown as
 * `format`. `set(at, values)` replaces everything, `push(at, values)` goes on; seconds since 1970.
 */
export class Chart {
  constructor(holder, { lines, format = "rate", top = null, seconds = 900, height = 200 }) {
    Object.assign(this, { holder, lines, format, top, seconds, height, at: [], values: lines.map(() => []) });
    this.draw();
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(holder);
    onTheme(() => this.redraw());
  }

  size() {
    return { width: Math.max(this.holder.clientWidth, 200), height: this.height };
  }

  redraw() {
    this.plot.destroy();
    this.draw();
  }

  draw() {
    const axis = { stroke: painted("--soft"), grid: { stroke: painted("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const said = (value) => show(value, this.format);
    this.plot = new uPlot(
      {
        ...this.size(),
        cursor: { sync: { key: "hive" }, drag: { x: true, y: false } },
        legend: { live: true },
        scales: { y: { range: (_, low, high) => [Math.min(low ?? 0, 0), this.top ?? Math.max((high ?? 0) * 1.1, 1)] } },
        axes: [{ ...axis, size: 28, space: 76, values: (_, moments, __, ___, step) => marks(moments, step) }, { ...axis, size: 64, incrs: STEPS[this.format], values: (_, values) => values.map(said) }],
        series: [
          { label: "at", value: (_, at, __, n) => moment(n === null ? (this.at.at(-1) ?? null) : at) },
          ...this.lines.map((line) => ({
            label: line.label, stroke: painted(line.colour), width: 1.5, spanGaps: false,
            fill: line.fill ? painted(line.colour).replace("rgb(", "rgba(").replace(")", ", .1)") : undefined,
            points: { show: false }, value: (_, value, __, n) => said(n === null ? this.values[this.lines.indexOf(line)].at(-1) : value),
          })),
        ],
      },
      [this.at, ...this.values],
      this.holder,
    );
  }

  set(at, values) {
    this.at = [...at];
    this.values = this.lines.map((line) => [...(values[line.name] ?? at.map(() => null))]);
    this.show();
  }

  push(at, values) {
    if (this.at.length && at <= this.at.at(-1)) return;
    this.at.push(at);
    this.lines.forEach((line, n) => this.values[n].push(values[line.name] ?? null));
    while (this.at.length && this.at[0] < at - this.seconds) {
      this.at.shift();
      for (const row of this.values) row.shift();
    }
    this.show();
  }

  show() {
    this.plot.setData([this.at, ...this.values]);
  }
}
