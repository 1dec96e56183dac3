// The visible texts of the page that stand out too little from what is behind them (WCAG 2, AA):
// [{text, ratio, needs, ink, ground, where}]. Texts on images and gradients are left out.

const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Red, green and blue from 0 to 255 and alpha from 0 to 1, of any colour that CSS can say. */
function read(colour) {
  pen.clearRect(0, 0, 1, 1);
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
}

function lay(above, below) {
  const alpha = above[3];
  return [...[0, 1, 2].map((i) => above[i] * alpha + below[i] * (1 - alpha)), 1];
}

function luminance(colour) {
  const [red, green, blue] = colour.slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** What the browser paints where the page paints nothing. */
function canvas() {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.backgroundColor = "Canvas";
  const colour = read(getComputedStyle(probe).backgroundColor);
  probe.remove();
  return colour;
}

const bottom = canvas();

/** The colour behind an element; null where an image decides it. */
function groundOf(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    if (style.backgroundImage !== "none") return null;
    layers.unshift(read(style.backgroundColor));
    if (layers[0][3] === 1) break;
  }
  return layers.reduce((below, above) => lay(above, below), bottom);
}

function opacityOf(element) {
  let opacity = 1;
  for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
  return opacity;
}

function isSeen(element, box) {
  const seen = { opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true };
  return element.checkVisibility(seen) && box.width > 1 && box.height > 1;
}

/** Kept for screen readers in a box of a pixel, somewhere above. */
function isTucked(element) {
  for (let at = element; at; at = at.parentElement) {
    const box = at.getBoundingClientRect();
    if (getComputedStyle(at).position === "absolute" && box.width <= 1 && box.height <= 1) return true;
  }
  return false;
}

function nameOf(element) {
  const classes = [...element.classList].map((name) => `.${name}`).join("");
  return element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "") + classes;
}

function judge(element, text) {
  const ground = groundOf(element);
  if (!ground || element.closest(":disabled, [aria-disabled=true]")) return null;
  const style = getComputedStyle(element);
  const ink = read(element instanceof SVGElement ? style.fill : style.color);
  ink[3] *= opacityOf(element);
  const size = parseFloat(style.fontSize);
  const needs = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  const ratio = contrast(lay(ink, ground), ground);
  const say = (colour) => `rgb(${colour.slice(0, 3).map(Math.round)})`;
  if (ratio >= needs) return null;
  const where = [element.parentElement ?? element, element].map(nameOf).join(" > ");
  return { text: text.slice(0, 60), ratio: Math.round(ratio * 100) / 100, needs, ink: say(ink), ground: say(ground), where };
}

function* texts() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    range.selectNodeContents(walker.currentNode);
    const element = walker.currentNode.parentElement;
    if (text && isSeen(element, range.getBoundingClientRect())) yield [element, text];
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]), textarea")) {
    if (field.value && isSeen(field, field.getBoundingClientRect())) yield [field, field.value];
  }
}

const problems = [];
for (const [element, text] of texts()) {
  const problem = isTucked(element) ? null : judge(element, text);
  if (problem) problems.push(problem);
}
return problems;
