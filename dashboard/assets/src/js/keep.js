import { all } from "./dom.js";

const STOPS = "a[href], button, summary, [tabindex]";
const SIDEWAYS = ".table-wrap, .strip";

function placeIn(fragment) {
  const stops = all(STOPS, fragment);
  const at = stops.indexOf(document.activeElement);
  const lefts = all(SIDEWAYS, fragment).map((strip) => strip.scrollLeft);
  return { open: all("details", fragment).map((details) => details.open), lefts, at, href: stops[at]?.getAttribute("href") };
}

function restore(fragment, { open, lefts, at, href }) {
  all("details", fragment).forEach((details, index) => (details.open = open[index] ?? details.open));
  all(SIDEWAYS, fragment).forEach((strip, index) => (strip.scrollLeft = lefts[index] ?? 0));
  if (at < 0) return;
  const stops = all(STOPS, fragment);
  // A link is known by where it leads, since rows move; what leads nowhere, by its place.
  const stop = href ? stops.find((one) => one.getAttribute("href") === href) : stops[at];
  stop?.focus({ preventScroll: true });
}

/** A live fragment that is drawn anew keeps what its viewer opened in it, how far it was scrolled sideways, and the focus. */
export function keep() {
  const places = new WeakMap();
  document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
    if (target.matches("[data-live]")) places.set(target, placeIn(target));
  });
  document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    if (places.has(target)) restore(target, places.get(target));
    places.delete(target);
  });
}
