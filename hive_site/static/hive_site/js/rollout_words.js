/* What both pages of rollouts say in the same words. */

import { count } from "./format.js";

/** A reason without its code: "gate: wave 1 of 3 is done" says "wave 1 of 3 is done". */
export function whyOf(reason) {
  return reason.replace(/^[a-z_]+: /, "");
}

/** Numbers of nodes by state, with the state's sign; `named` also writes the state. */
export function showCounts(element, counts, { named }) {
  element.replaceChildren(
    ...Object.entries(counts).flatMap(([state, nodes]) => {
      const part = document.createElement("span");
      part.className = "state";
      part.dataset.state = state;
      part.title = state;
      const word = document.createElement("span");
      word.className = named ? "" : "sr";
      word.textContent = ` ${state}`;
      part.append(count(nodes), word);
      return [part, " "];
    }),
  );
}
