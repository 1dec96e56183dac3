/* The tabs Results, Errors and Log while a job runs: what is new waits to be asked for, or follows. */

import { isSeen } from "./live.js";
import { fetchPart, swap } from "./parts.js";
import { Pill } from "./pill.js";

const LOOK_AGAIN_MS = 2000;
const MOST_LINES = 1000;
const NEAR_THE_END = 24;

/** Count what came in since `part` was rendered; the first of it shows by itself. */
export function offerNew(name, { shown, now }) {
  const pill = new Pill(async (url) => {
    history.replaceState(history.state, "", url);
    await swap(name, url);
  });
  return async (job) => {
    const part = document.querySelector(`[data-part="${name}"]`);
    const number = now(job) - shown(part);
    if (number > 0 && part.querySelector(".empty")) await swap(name);
    else pill.tell(part.dataset.first === "no" ? 0 : number);
  };
}

/** Follow the log: ask for what is behind its end, and let go when somebody scrolls up. */
export class FollowedLog {
  constructor(log, button) {
    Object.assign(this, { log, button, on: true, asking: false });
    button.hidden = false;
    button.addEventListener("click", () => this.turn(!this.on));
    log.addEventListener("scroll", () => this.turn(this.isAtEnd()));
    setInterval(() => this.look(), LOOK_AGAIN_MS);
    this.turn(true);
  }

  isAtEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_THE_END;
  }

  turn(on) {
    if (on && !this.isAtEnd()) this.log.scrollTop = this.log.scrollHeight;
    this.on = on;
    this.button.setAttribute("aria-pressed", on);
  }

  async look() {
    if (!this.on || this.asking || !isSeen()) return;
    this.asking = true;
    const url = new URL(location.href);
    url.searchParams.set("after", this.log.dataset.end);
    const part = await fetchPart(url, "log");
    this.asking = false;
    if (part?.dataset.end) this.append(part);
  }

  append(part) {
    if (!part.children.length) return;
    document.querySelector("[data-quiet]")?.remove();
    this.log.dataset.end = part.dataset.end;
    this.log.append(...part.children);
    while (this.log.children.length > MOST_LINES) this.log.firstElementChild.remove();
    if (this.on) this.log.scrollTop = this.log.scrollHeight;
  }
}
