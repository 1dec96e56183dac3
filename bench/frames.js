// Runs before everything else of a page. `noted` holds, in milliseconds: how long each paint took that
// the page speaks of (`data-paint`), every task that took long, and when the page first showed what
// the socket told, counted from the click that led to it.

window.noted = { paints: [], tasks: [], usable: null };

new PerformanceObserver((list) => {
  for (const task of list.getEntries()) noted.tasks.push(task.duration);
}).observe({ type: "longtask", buffered: true });

new MutationObserver((changes) => {
  for (const { target } of changes) noted.paints.push(Number(target.dataset.paint));
  if (noted.usable !== null || document.body.dataset.live !== "live") return;
  noted.usable = 0;
  requestAnimationFrame(() => requestAnimationFrame(() => { noted.usable = performance.now(); }));
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-paint"] });
