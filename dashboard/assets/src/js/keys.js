import { all, one } from "./dom.js";
import { openPalette } from "./palette.js";

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");
let pending = "";

function moveRow(step) {
  const rows = all("[data-row]");
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  (next.matches("a") ? next : one("a", next))?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function openFilters() {
  const filters = one("[data-filters]");
  if (!filters) return one("#scope-domain")?.focus();
  if (filters.tagName === "DETAILS") filters.open = true;
  (filters.matches("input") ? filters : one("select, input, a", filters))?.focus();
}

/** To a place of the sidebar, whose links carry the scope along. */
function go(key) {
  const place = all(".nav a[data-keys]").find((link) => link.dataset.keys === `g ${key}`);
  if (place) location.assign(place.href);
}

/** Closes what is open, and leaves the focus where the keyboard can go on from. */
function escape() {
  for (const menu of all(".menu[open]")) {
    menu.open = false;
    one("summary", menu).focus();
  }
  if (typing(document.activeElement)) document.activeElement.blur();
}

const SINGLE = {
  "/": () => one("#search")?.focus(),
  j: () => moveRow(1),
  k: () => moveRow(-1),
  f: openFilters,
  r: () => location.reload(),
  "?": () => one("#help")?.showModal(),
};

function press(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.key === "Escape") return escape();
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || one("dialog[open]")) return;
  if (pending === "g") {
    pending = "";
    return go(event.key);
  }
  if (event.key === "g") {
    pending = "g";
    setTimeout(() => (pending = ""), 1200);
    return;
  }
  if (!SINGLE[event.key]) return;
  event.preventDefault();
  SINGLE[event.key]();
}

export function keys() {
  document.addEventListener("keydown", press);
  for (const button of all("[data-help]")) button.addEventListener("click", () => one("#help").showModal());
  for (const button of all("dialog [data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
  for (const sheet of all("dialog")) sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  document.addEventListener("click", (event) => {
    for (const open of all(".menu[open]")) if (!open.contains(event.target)) open.open = false;
  });
}
