/* The tab Grid: the picture, its legend whose counts are filters, and the table below. */

import { markChosen, onLink } from "./address.js";
import { count } from "./format.js";
import { Grid, WORDS } from "./grid.js";
import { isFrozen } from "./live.js";
import { isRead, swap } from "./parts.js";

const FETCH_AFTER_MS = 1200;
const TABLE_AFTER_MS = 3000;
/* What the table asks the server for when one of these is chosen. */
const GROUP = { blocked: "waiting", queued: "waiting", retrying: "waiting", quarantined: "failed" };

export class GridTab {
  constructor(card, openSubtask) {
    this.card = card;
    this.links = [...card.querySelectorAll("[data-byte]")];
    const canvas = card.querySelector("canvas");
    this.base = canvas.dataset.base.replace(/0\/$/, "");
    this.grid = new Grid(card.querySelector(".grid-holder"), this.links, (index) => openSubtask(`${this.base}${index}/`));
    this.canvas = canvas;
    onLink(card.querySelector(".legend"), "[data-byte]", (link) => this.choose(link));
    const chosen = this.links.find((link) => link.hasAttribute("aria-current"));
    if (chosen) this.fade(chosen);
    this.late = setTimeout(() => this.fetchWhole(), FETCH_AFTER_MS);
  }

  /** What the socket says of the grid. */
  take({ whole, set }) {
    if (whole) this.load(Uint8Array.from(atob(whole), (character) => character.charCodeAt(0)));
    if (set.size && this.grid.cells) {
      this.grid.change(set);
      this.tell();
    }
  }

  /** Without a socket the bytes come once, by REST. */
  async fetchWhole() {
    const answer = await fetch(this.card.dataset.grid).catch(() => null);
    if (answer?.ok) this.load(new Uint8Array(await answer.arrayBuffer()));
  }

  load(bytes) {
    clearTimeout(this.late);
    if (!bytes.length) return;
    this.grid.load(bytes);
    this.tell();
  }

  tell() {
    const { counts, per, bytes } = this.grid;
    for (const link of this.links) {
      const number = counts[Number(link.dataset.byte)];
      link.querySelector("b").textContent = count(number);
      link.hidden = !number && !link.hasAttribute("aria-current");
    }
    if (per > 1) this.card.querySelector("[data-under]").textContent = `${count(bytes.length)} subtasks; one cell stands for ${per}, and shows the worst of them`;
    this.canvas.setAttribute("aria-label", this.grid.said());
    this.updateRows();
  }

  /** Rows of the table say what the grid says, at once; the rest of them follows from the server. */
  updateRows() {
    let stale = false;
    for (const row of document.querySelectorAll('[data-part="table"] [data-key]')) {
      const word = WORDS[this.grid.bytes[Number(row.dataset.key)]];
      const shown = row.querySelector(".state");
      if (!word || shown.dataset.state === word) continue;
      shown.dataset.state = word;
      shown.textContent = word;
      stale = true;
    }
    if (stale && !this.soon) this.soon = setTimeout(() => this.readTable(), TABLE_AFTER_MS);
  }

  /** Nothing moves under the pointer, nor away from who walks through the rows. */
  async readTable() {
    this.soon = 0;
    const table = document.querySelector('[data-part="table"]');
    if (isRead(table) || isFrozen() || document.querySelector("dialog[open]")) return;
    await swap("table");
  }

  /** One state and no other; a second time, all again. */
  choose(link) {
    const again = link.hasAttribute("aria-current");
    markChosen(this.card, again ? null : link);
    const word = WORDS[Number(link.dataset.byte)];
    const url = again ? "?tab=grid" : `?tab=grid&state=${GROUP[word] ?? word}`;
    if (again) this.grid.show(null);
    else this.fade(link);
    history.replaceState(history.state, "", url);
    swap("table").then(() => this.grid.bytes.length && this.updateRows());
  }

  fade(link) {
    this.grid.show(new Set([Number(link.dataset.byte)]));
  }
}
