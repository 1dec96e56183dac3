/* Colours of the palette as a canvas understands them: it knows no variables and no light-dark(). */

/** The colour of a variable, as it is on `holder`. */
export function painted(name, holder = document.body) {
  const probe = document.createElement("i");
  probe.hidden = true;
  holder.append(probe);
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Call `act` whenever the colours change: by the switch, or by the system. */
export function onTheme(act) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", act);
  document.addEventListener("hive:theme", act);
}
