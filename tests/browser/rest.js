// Calls back once the page is loaded, its fonts are there, and it was painted twice since.

const done = arguments[arguments.length - 1];
const painted = () => requestAnimationFrame(() => requestAnimationFrame(done));
const loaded = () => document.fonts.ready.then(painted);
if (document.readyState === "complete") loaded();
else addEventListener("load", loaded);
