import { all, element, one } from "./dom.js";

const KEY = "nexus-scope";
const NAMES = ["domain", "account", "range"];

/** What an address says of the scope. */
function scopeOf(address) {
  const said = new URL(address).searchParams;
  return NAMES.map((name) => [name, said.get(name)]).filter(([, value]) => value);
}

// A browser may forbid a page to keep anything; the links then lead where the server wrote.
function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function keep(scope) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(scope));
  } catch {
    // See `recall`.
  }
}

let chosen = [];

/** An address of a page, or of a part of one, with the scope, unless it has one. */
export function scoped(address) {
  const url = new URL(address, location.href);
  if (!scopeOf(url).length) for (const [name, value] of chosen) url.searchParams.set(name, value);
  return url.pathname + url.search;
}

/** What a page of one thing leads back to, by sidebar, crumbs and search, is as one left it in this tab. */
export function scope() {
  const said = scopeOf(location.href);
  chosen = said.length || one("form.scope") ? said : recall();
  keep(chosen);
  const places = all(".nav a[data-keys]");
  const paths = new Set(places.map((link) => link.pathname));
  const back = all(".brand, .crumbs a").filter((link) => paths.has(link.pathname));
  for (const link of [...places, ...back]) link.href = scoped(link.href);
  const search = one("form.search");
  for (const [name, value] of chosen) {
    if (name === "range" || !search || one(`[name=${name}]`, search)) continue;
    search.append(element("input", { type: "hidden", name, value }));
  }
}
