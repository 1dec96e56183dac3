/* What every page can do: keys, theme, freeze, copy, dialogs. */

import { freeze, isFrozen, say } from "./live.js";

const GO = { o: "/", n: "/nodes/", j: "/jobs/", q: "/queues/", r: "/rollouts/" };
const THEMES = ["auto", "light", "dark"];
const COPIED = "Copied";
let goes = false;

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

function rows() {
  return [...document.querySelectorAll("main [data-walk] > [data-key]:not([hidden])")];
}

/** Mark the next or previous row; Enter opens it. */
function walk(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.classList.contains("at"));
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  all[at]?.classList.remove("at");
  next.classList.add("at");
  next.querySelector("a")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return escape();
  if (isTyping(event.target)) return;
  if (goes) {
    goes = false;
    if (GO[event.key]) location.assign(GO[event.key]);
    return;
  }
  const act = {
    "/": () => document.querySelector("[data-search]")?.focus(),
    "?": () => document.querySelector("[data-help]")?.showModal(),
    g: () => { goes = true; setTimeout(() => { goes = false; }, 1500); },
    f: toggleFreeze,
    j: () => walk(1),
    k: () => walk(-1),
    Enter: () => document.querySelector("[data-walk] > .at a")?.click(),
  }[event.key];
  if (!act || (event.key === "Enter" && event.target.closest("a, button"))) return;
  event.preventDefault();
  act();
}

function escape() {
  document.activeElement?.blur?.();
  document.querySelector("[data-walk] > .at")?.classList.remove("at");
}

function toggleFreeze() {
  freeze(!isFrozen());
  document.querySelector("[data-freeze]")?.setAttribute("aria-pressed", isFrozen());
}

function turnTheme() {
  const now = localStorage.getItem("theme") ?? "auto";
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  localStorage.setItem("theme", next);
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  showTheme(next);
  document.dispatchEvent(new Event("hive:theme"));
}

function showTheme(theme) {
  const button = document.querySelector("[data-theme-switch]");
  if (!button) return;
  const name = { auto: "system", light: "light", dark: "dark" }[theme];
  button.title = `Theme: ${name}`;
  button.setAttribute("aria-label", `Theme: ${name}. Change it`);
  button.querySelector("use").setAttribute("href", button.dataset.icons + `#theme-${theme}`);
}

async function copy(button) {
  if (button.textContent === COPIED) return;
  const source = button.dataset.copy || button.closest(".command")?.querySelector("code")?.textContent;
  try {
    await navigator.clipboard.writeText(source);
  } catch {
    copyTheOldWay(source, button);
  }
  const label = button.textContent;
  button.textContent = COPIED;
  say("Copied.");
  setTimeout(() => { button.textContent = label; }, 1500);
}

/** Browsers lend the clipboard to https and to localhost only, and not always; a Hive may be neither. */
function copyTheOldWay(source, button) {
  const field = document.createElement("textarea");
  field.value = source;
  button.after(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  button.focus();
}

function click(event) {
  const button = event.target.closest("[data-copy], [data-freeze], [data-theme-switch], [data-open], [data-close]");
  if (!button) return;
  if ("copy" in button.dataset) copy(button);
  else if ("freeze" in button.dataset) toggleFreeze();
  else if ("themeSwitch" in button.dataset) turnTheme();
  else if ("open" in button.dataset) document.querySelector(button.dataset.open)?.showModal();
  else button.closest("dialog").close();
}

document.addEventListener("keydown", press);
document.addEventListener("click", click);
document.documentElement.classList.add("scripted");
showTheme(localStorage.getItem("theme") ?? "auto");
