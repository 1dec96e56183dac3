/* The tab Timeline: which run is under the pointer, and what it became. */

import { isSeen } from "./live.js";
import { swap } from "./parts.js";

const AGAIN_MS = 5000;

function shapeAt(event) {
  return event.target.closest?.("[data-part='timeline'] rect");
}

/** Say what is under the pointer, open it on a click; if it `goesOn`, look again and again. */
export function followTimeline(tab, openSubtask, { goesOn }) {
  tab.addEventListener("pointermove", (event) => point(shapeAt(event), event));
  tab.addEventListener("pointerleave", () => point(null));
  tab.addEventListener("click", (event) => {
    const shape = shapeAt(event);
    if (shape) openSubtask(shape.ownerSVGElement.dataset.base.replace(/0\/$/, `${shape.dataset.i}/`));
  });
  const look = () => (isSeen() && !tab.querySelector(".plot:hover") ? swap("timeline") : null);
  if (goesOn) setInterval(look, AGAIN_MS);
}

function point(shape, event) {
  const tip = document.querySelector(".timeline .tip");
  if (!tip) return;
  tip.hidden = !shape;
  if (!shape) return;
  tip.textContent = shape.querySelector("title").textContent;
  tip.dataset.state = shape.dataset.state;
  const plot = tip.parentElement.getBoundingClientRect();
  const left = event.clientX - plot.left;
  tip.style.left = `${left}px`;
  tip.style.translate = left > plot.width - 180 ? "calc(-100% - 10px) 0" : "12px 0";
  tip.style.top = `${event.clientY - plot.top - 10}px`;
}
