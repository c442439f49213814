import { all } from "./dom.js";

const STOPS = "a[href], button, summary, [tabindex]";

function placeIn(fragment) {
  const stops = all(STOPS, fragment);
  const at = stops.indexOf(document.activeElement);
  return { open: all("details", fragment).map((details) => details.open), at, href: stops[at]?.getAttribute("href") };
}

function restore(fragment, { open, at, href }) {
  all("details", fragment).forEach((details, index) => (details.open = open[index] ?? details.open));
  if (at < 0) return;
  const stops = all(STOPS, fragment);
  // A link is known by where it leads, since rows move; what leads nowhere, by its place.
  const stop = href ? stops.find((one) => one.getAttribute("href") === href) : stops[at];
  stop?.focus({ preventScroll: true });
}

/** A live fragment that is drawn anew keeps what its viewer opened in it, and the focus. */
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
