/* "3 new, show": what came in waits to be asked for, so that nothing moves while one reads. */

import { onLink } from "./address.js";
import { count } from "./format.js";

/** The page's pill, `data-new`. `show(url)` shows what is new in place; without it, the link does. */
export class Pill {
  constructor(show = null) {
    this.holder = document.querySelector("[data-new]");
    this.link = this.holder.querySelector("a");
    if (show) onLink(this.holder, "a", (link) => show(link.href).then(() => this.tell(0)));
  }

  tell(number) {
    this.holder.hidden = number <= 0;
    this.link.textContent = `${count(number)} new, show`;
  }
}
