/* Writes values into what the server rendered: `data-f` names the field, `data-as` its format. */

import { count, show } from "./format.js";
import { onBeat } from "./live.js";

const AGES = new Set(["ago", "since"]);

/** Write the fields of `value` below `element`; a field may be a path, as `foreman.state`. */
export function fill(element, value) {
  for (const node of element.querySelectorAll("[data-f]")) write(node, reach(value, node.dataset.f));
  if (element.matches("[data-f]")) write(element, reach(value, element.dataset.f));
}

function reach(value, path) {
  return path.split(".").reduce((part, name) => part?.[name], value);
}

function write(node, value) {
  if (value === undefined) return;
  if ("state" in node.dataset && node.dataset.state !== value) node.dataset.state = value;
  if (node.localName === "meter") {
    node.value = value ?? 0;
    return;
  }
  if (AGES.has(node.dataset.as)) node.dataset.at = value ?? "";
  const text = show(value, node.dataset.as);
  if (node.textContent !== text) node.textContent = text;
}

/** Ages go on whether anything else happens or not. */
onBeat(() => {
  for (const node of document.querySelectorAll("[data-at]:not([data-at=''])")) {
    const text = show(Number(node.dataset.at), node.dataset.as);
    if (node.textContent !== text) node.textContent = text;
  }
});

/** Draw a job's bar: shares of a whole, in this order, as the template tag `bar` does. */
export function fillBar(svg, job) {
  let at = 0;
  for (const [name, part] of [["ok", job.succeeded], ["no", job.failed], ["off", job.cancelled], ["run", job.running]]) {
    const share = job.total ? (part / job.total) * 100 : 0;
    const rect = svg.querySelector(`.${name}`);
    rect.setAttribute("x", at);
    rect.setAttribute("width", share);
    at += share;
  }
  svg.setAttribute("aria-label", `${count(job.succeeded)} of ${count(job.total)} succeeded, ${count(job.failed)} failed`);
}

/**
 * Rows of a table (or list) by key, made from its `<template data-row>`. Known rows stay where they
 * are: nothing moves under the pointer. `make(row, value, key)` writes a row.
 */
export class Rows {
  constructor(body, make) {
    this.body = body;
    this.make = make;
    this.template = body.closest("[data-rows]").querySelector("template[data-row]");
    this.rows = new Map([...body.querySelectorAll(":scope > [data-key]")].map((row) => [row.dataset.key, row]));
  }

  has(key) {
    return this.rows.has(key);
  }

  set(key, value, { first = false } = {}) {
    let row = this.rows.get(key);
    if (!row) {
      row = this.template.content.firstElementChild.cloneNode(true);
      row.dataset.key = key;
      this.rows.set(key, row);
      if (first) this.body.prepend(row);
      else this.body.append(row);
    }
    this.make(row, value, key);
  }

  drop(key) {
    this.rows.get(key)?.remove();
    this.rows.delete(key);
  }
}
