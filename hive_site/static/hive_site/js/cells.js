/* Cells of nodes: one stop for the Tab key in each group, arrows move inside it. */

const STEPS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

function below(cells, at, direction) {
  const from = cells[at].getBoundingClientRect();
  const order = direction > 0 ? cells.slice(at + 1) : cells.slice(0, at).reverse();
  return order.find((cell) => {
    const box = cell.getBoundingClientRect();
    return Math.abs(box.left - from.left) < from.width / 2 && Math.abs(box.top - from.top) > from.height / 2;
  });
}

function move(event) {
  const group = event.target.closest?.("[data-cells]");
  if (!group) return;
  const cells = [...group.querySelectorAll(".cell")];
  const at = cells.indexOf(event.target);
  let next = null;
  if (event.key in STEPS) next = cells[Math.min(Math.max(at + STEPS[event.key], 0), cells.length - 1)];
  else if (event.key === "ArrowDown") next = below(cells, at, 1);
  else if (event.key === "ArrowUp") next = below(cells, at, -1);
  if (!next) return;
  event.preventDefault();
  cells[at].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

/** Let the Tab key stop once in each group. */
function settle() {
  for (const group of document.querySelectorAll("[data-cells]")) {
    group.querySelectorAll(".cell").forEach((cell, n) => { cell.tabIndex = n ? -1 : 0; });
  }
}

document.addEventListener("keydown", move);
document.addEventListener("hive:drawn", settle);
settle();
