/* A chart of the past that the server drew, which goes on live, and turns to other windows of time. */

import { keepInAddress, markChosen, onLink } from "./address.js";
import { Chart } from "./chart.js";
import { isSeen, say } from "./live.js";

const SECONDS = { "15m": 900, "1h": 3600, "24h": 86_400, "30d": 2_592_000 };

/* The past comes a little late, and is followed by the present without a gap. */
const [GAP_STEPS, GAP_SECONDS] = [3, 15];

export class History {
  /** `holder`: an element with `data-chart` (the scope) and `data-series`; `chart`: as `Chart` takes it. */
  constructor(holder, chart, window) {
    holder.replaceChildren();
    this.chart = new Chart(holder, chart);
    this.show(JSON.parse(holder.dataset.series), window);
  }

  show({ step, at, values }, window) {
    this.step = step;
    this.chart.seconds = SECONDS[window];
    this.gathered = new Map();
    this.since = at.at(-1) ?? 0;
    this.chart.set(at, values);
  }

  /** Go on with what is so at a moment: the mean of each step is one point. */
  goOn(at, values) {
    for (const { name } of this.chart.lines) {
      const value = values[name];
      if (value === null || value === undefined) continue;
      const [sum, count] = this.gathered.get(name) ?? [0, 0];
      this.gathered.set(name, [sum + value, count + 1]);
    }
    if (at - this.since < this.step) return;
    // Of the time in between nothing is known: no line leads through it.
    if (at - this.since > GAP_STEPS * this.step + GAP_SECONDS) this.chart.push(at - this.step, {});
    this.since = at;
    this.chart.push(at, Object.fromEntries([...this.gathered].map(([name, [sum, count]]) => [name, sum / count])));
    this.gathered.clear();
  }
}

async function fetchSeries(scope, window) {
  const answer = await fetch(`/api/v1/series/?${new URLSearchParams({ scope, window })}`);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

/** Have links below `filters` turn these charts of `scope` to another window, without a new page. */
export function turnWindows(filters, scope, histories) {
  const now = () => filters.querySelector("[aria-current]").dataset.window;
  const turn = async (window) => {
    const series = await fetchSeries(scope, window);
    for (const history of histories) history.show(series, window);
  };
  onLink(filters, "[data-window]", async (link) => {
    try {
      await turn(link.dataset.window);
    } catch {
      location.assign(link.href);
      return;
    }
    markChosen(filters, link);
    keepInAddress("window", link.dataset.window);
    say(`The charts show the last ${link.dataset.window}.`);
  });
  return () => (isSeen() ? turn(now()).catch(() => null) : null);
}
