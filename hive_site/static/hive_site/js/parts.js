/* Parts of pages, `data-part="NAME"`, as only the server can draw them. */

import { isSeen } from "./live.js";

const SHORTEST_PAUSE_MS = 2_000;
const STOPS = "a[href], button, summary, input, select, [tabindex]";
let drawnAt = performance.now();
let soon = 0;

/** The page at an address; throws if the Nexus is away. Whoever is logged out goes to the login. */
async function fetchPage(url) {
  const answer = await fetch(url);
  if (answer.status >= 500) throw new Error(`${answer.status}`);
  if (answer.redirected && new URL(answer.url).pathname.startsWith("/login/")) location.assign(answer.url);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function find(name, page = document) {
  return page.querySelector(`[data-part="${CSS.escape(name)}"]`);
}

/** The part of that name of the page at `url`, or what the page says instead; null if nobody answers. */
export async function fetchPart(url, name) {
  const page = await fetchPage(url).catch(() => null); // the chip says that the Nexus is away
  const part = page && (find(name, page) ?? page.querySelector("main > section"));
  return part && document.adoptNode(part);
}

/**
 * Put the part of that name in place of the one that is shown; null if nobody answers, or with a
 * page that has no such part.
 */
export async function swap(name, url = location.href) {
  const [part, shown] = [await fetchPart(url, name), find(name)];
  if (part?.dataset.part !== name) return null;
  if (shown) replace(shown, part);
  return part;
}

/** Whoever is in a part with the keyboard is in the same place of its next version. */
function replace(part, next) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  part.replaceWith(next);
  if (!focused) return;
  const isSame = (stop) => stop.localName === focused.localName && stop.textContent === focused.textContent;
  const place = [...next.querySelectorAll(STOPS)].find(isSame) ?? next;
  if (place === next) next.tabIndex = -1;
  place.focus({ preventScroll: true });
}

/** Whether somebody points at it or walks through it: nothing moves there meanwhile. */
export function isRead(part) {
  return part.matches(":hover, :focus-within");
}

/**
 * Draw all parts anew before long, but what the pointer is on once it has left: at most once in `pause`, which is
 * longer for what changes all the time. `hive:drawn` is said of it.
 */
export function redraw({ pause = SHORTEST_PAUSE_MS } = {}) {
  if (soon) return;
  soon = setTimeout(draw, Math.max(drawnAt + pause - performance.now(), 0));
}

/** What a part is, but for what is new each time it is drawn. */
function looksOf(part) {
  const copy = part.cloneNode(true);
  for (const field of copy.querySelectorAll("[name=csrfmiddlewaretoken]")) field.remove();
  return copy.innerHTML;
}

async function draw() {
  soon = 0;
  drawnAt = performance.now();
  const page = isSeen() ? await fetchPage(location.href).catch(() => null) : null;
  if (!page) return redraw();
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = find(part.dataset.part, page);
    if (!next || looksOf(next) === looksOf(part)) continue;
    if (part.matches(":hover")) part.onpointerleave = () => redraw();
    else replace(part, document.adoptNode(next));
  }
  return document.dispatchEvent(new Event("hive:drawn"));
}
