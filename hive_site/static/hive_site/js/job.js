/* A job's page, live: its head, its tab, and the drawer for one of its subtasks. */

import { onLink } from "./address.js";
import { fill, fillBar } from "./bind.js";
import { GridTab } from "./job_grid.js";
import { watch } from "./live.js";
import { fetchPart, swap } from "./parts.js";
import { FollowedLog, offerNew } from "./results.js";
import { followTimeline } from "./timeline.js";

const tab = document.querySelector("[data-tab]");
const drawer = document.querySelector("[data-drawer]");
let grid = null;
let offer = null;
let here = location.href;

/** The subtask's own page in a drawer; its address is the page's meanwhile. */
async function openSubtask(url) {
  const part = await fetchPart(url, "subtask");
  if (!part) return;
  drawer.replaceChildren(part);
  if (drawer.open) return;
  here = location.href;
  history.pushState({ drawer: true }, "", url);
  drawer.showModal();
}

/** The drawer shows what became of its subtask. */
async function followSubtask({ whole, set }) {
  const index = Number(location.pathname.match(/\/subtasks\/(\d+)\/$/)?.[1] ?? -1);
  if (whole || set.has(index)) await swap("subtask");
}

drawer.addEventListener("close", () => {
  if (history.state?.drawer) history.back();
});
drawer.addEventListener("click", (event) => {
  if (event.target === drawer) drawer.close();
});
addEventListener("popstate", () => {
  if (drawer.open) drawer.close();
});
onLink(document, "a[data-subtask]", (link) => openSubtask(link.href));

const ended = (row) => row.succeeded + row.failed + row.cancelled;

function startTab() {
  if (tab.dataset.tab === "grid" && tab.querySelector("[data-grid]:not([data-total='0'])")) grid = new GridTab(tab.querySelector("[data-grid]"), openSubtask);
  if (tab.dataset.tab === "results") offer = offerNew("results", { shown: (part) => Number(part.dataset.ended), now: ended });
  if (tab.dataset.tab === "errors") offer = offerNew("errors", { shown: (part) => Number(part.dataset.failedCount), now: (row) => row.failed });
  if (tab.dataset.tab === "timeline") followTimeline(tab, openSubtask, { goesOn: tab.dataset.open === "yes" });
  const button = tab.querySelector("[data-follow]");
  if (button) new FollowedLog(tab.querySelector('[data-part="log"]'), button);
}

function showHead(row) {
  const head = document.querySelector('[data-part="head"]');
  fill(head, { ...row, waiting: row.total - ended(row) - row.running });
  fill(document.querySelector(".tabs"), row);
  fillBar(head.querySelector(".bar"), row);
  head.querySelector("[data-failed]").classList.toggle("bad", row.failed > 0);
  const why = head.querySelector("[data-why]");
  if (why) why.hidden = !row.waiting_for;
}

/** What a job may do, and what is said of it, changes with its state: the server knows. */
async function lookAgain() {
  if (document.querySelector(".job-head dialog[open]")) return;
  await swap("head", drawer.open ? here : location.href);
  if (tab.dataset.tab === "events") await swap("events");
}

watch(`job:${tab.dataset.job}`, async (news) => {
  if (news.error) return location.reload(); // it is no more, which the server says
  const row = news.set.get("job");
  if (row) {
    showHead(row);
    if (document.querySelector('[data-part="head"]').dataset.state !== row.state) await lookAgain();
    await offer?.(row);
  }
  if (news.grid) grid?.take(news.grid);
  if (news.grid && drawer.open) await followSubtask(news.grid);
  return undefined;
});

startTab();
