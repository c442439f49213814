import { all, element, setCookie, one } from "./dom.js";

// Charts and the graph, which the server draws, count the hours to 24; so do the others.
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
/** Each unit with the distance below which it is used. */
const UNITS = [[5400, 60, "m"], [129600, 3600, "h"], [5184000, 86400, "d"], [63072000, 2592000, "mo"], [Infinity, 31536000, "y"]];

/** The server's rule (`format::ago`): another one would change the text as the page loads. */
function relative(at, now) {
  const seconds = Math.floor(now / 1000) - Math.floor(at / 1000);
  const distance = Math.abs(seconds);
  if (distance < 45) return seconds < -1 ? "in a moment" : "just now";
  const [, size, unit] = UNITS.find(([below]) => distance < below);
  const count = Math.floor((distance + size / 2) / size);
  return seconds < 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

/** A time of day, which says nothing without its day when that is another one. */
function clockOf(at, now) {
  return at.toDateString() === now.toDateString() ? clock.format(at) : `${day.format(at)}, ${clock.format(at)}`;
}

function elapsed(seconds) {
  const whole = Math.max(0, seconds);
  if (whole < 60) return `${whole.toFixed(1)} s`;
  return `${Math.floor(whole / 60)} m ${String(Math.floor(whole % 60)).padStart(2, "0")} s`;
}

function show(root) {
  const now = new Date();
  for (const time of all("time[datetime]", root)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = exact.format(at);
    if (time.dataset.form === "clock") time.textContent = clockOf(at, now);
    else if (time.dataset.form === "exact") time.textContent = exact.format(at);
    else time.textContent = relative(at, now);
  }
}

function tick() {
  const now = Date.now();
  for (const counter of all("[data-since]")) {
    counter.textContent = elapsed((now - new Date(counter.dataset.since).getTime()) / 1000);
  }
}

/** Adds the zones that the server did not list. */
function addZones(select) {
  const listed = new Set([...select.options].map((option) => option.value));
  const group = element("optgroup", { label: "All others" });
  for (const zone of Intl.supportedValuesOf?.("timeZone") ?? []) {
    if (!listed.has(zone)) group.append(element("option", { value: zone }, zone));
  }
  select.append(group);
}

let started = false;
export function localTimes(root = document) {
  show(root);
  if (started) return;
  started = true;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  all("select[data-zones]").forEach(addZones);
  // Anew each time: people travel.
  if (zone) setCookie("nexus_tz", zone);
  setInterval(() => !document.hidden && show(document), 30000);
  setInterval(() => !document.hidden && one("[data-since]") && tick(), 250);
}
