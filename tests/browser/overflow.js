// What makes the page wider than the screen: ["tag.class … 612 px of 390"]. What scrolls or is
// clipped in a box of its own is fine, but no field is clipped.

const screen = document.documentElement.clientWidth;

function isContained(element) {
  const isField = element.matches("input, select, textarea");
  for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
    const flow = getComputedStyle(at).overflowX;
    if (flow !== "visible" && !(isField && flow === "hidden") && at.getBoundingClientRect().right <= screen + 1) return true;
  }
  return false;
}

const wide = [];
for (const element of document.body.querySelectorAll("*")) {
  const box = element.getBoundingClientRect();
  const right = Math.round(box.right);
  if (!element.checkVisibility() || box.width <= 1 || right <= screen + 1 || isContained(element)) continue;
  const classes = [...element.classList].map((name) => `.${name}`).join("");
  wide.push(`${element.tagName.toLowerCase()}${classes} reaches to ${right} px of ${screen}`);
}
const page = document.documentElement.scrollWidth;
if (page > screen) wide.push(`the page is ${page} px wide on a screen of ${screen}`);
return wide;
