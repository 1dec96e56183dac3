/* What one sees is in the address, so that a link shares exactly that. */

/** Call `act(link)` for a plain click on such a link in `holder`; other clicks are the browser's own. */
export function onLink(holder, selector, act) {
  holder.addEventListener("click", (event) => {
    const link = event.target.closest(selector);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    act(link);
  });
}

/** Put a choice into the address without a new page, and into the links that keep what is chosen. */
export function keepInAddress(name, value) {
  const here = new URL(location);
  here.searchParams.set(name, value);
  history.replaceState(null, "", here);
  for (const link of document.querySelectorAll('main a[href^="?"]')) {
    if (name in link.dataset) continue;
    const there = new URL(link.href);
    there.searchParams.set(name, value);
    link.setAttribute("href", there.search + there.hash);
  }
}

/** Mark the link that was chosen among those in `holder`. */
export function markChosen(holder, link) {
  holder.querySelector("[aria-current]")?.removeAttribute("aria-current");
  link?.setAttribute("aria-current", "true");
}
