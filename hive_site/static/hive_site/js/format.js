/* Numbers for people; hive_site/templatetags/hive.py writes them in the same way. */

const GROUPS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function count(value) {
  return GROUPS.format(value);
}

export function rate(value) {
  return value >= 100 ? GROUPS.format(value) : value.toFixed(1);
}

export function percent(value) {
  return `${Math.round(value * 100)} %`;
}

/** A share of 1 in percent, with a digit more where it is small: of failures, each counts. */
export function share(value) {
  return value > 0 && value < 0.1 ? `${(value * 100).toFixed(1)} %` : percent(value);
}

/** A span of seconds with two units at most: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
export function span(seconds) {
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.round(seconds);
  for (const [unit, size, below, smaller] of [["d", 86400, 3600, "h"], ["h", 3600, 60, "min"], ["min", 60, 1, "s"]]) {
    if (whole < size) continue;
    const rest = Math.floor((whole % size) / below);
    return rest ? `${Math.floor(whole / size)} ${unit} ${rest} ${smaller}` : `${Math.floor(whole / size)} ${unit}`;
  }
  return `${whole} s`;
}

let ahead = 0;

/** The Nexus says what time it is: the clock of this machine may be hours off. */
export function setClock(at) {
  ahead = Date.now() / 1000 - at;
}

/** Unix seconds, as the Nexus counts them. */
export function now() {
  return Date.now() / 1000 - ahead;
}

/** How long ago a moment in Unix seconds was. */
export function ago(moment) {
  return `${span(now() - moment)} ago`;
}

/** How long a moment in Unix seconds is over. */
export function since(moment) {
  return span(now() - moment);
}

const FORMATS = { count, rate, percent, share, span, ago, since, text: String };

/** `value` as `data-as` asks for; a dash for what is not known. */
export function show(value, format = "text") {
  return value === null || value === undefined || value === "" ? "–" : FORMATS[format](value);
}
