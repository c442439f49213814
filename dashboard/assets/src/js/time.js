import { all, element, setCookie, one } from "./dom.js";
import { ago, elapsed } from "./spans.js";

// Charts and the graph, which the server draws, count the hours to 24; so do the others.
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });

/** A time of day, which says nothing without its day when that is another one. */
function clockOf(at, now) {
  return at.toDateString() === now.toDateString() ? clock.format(at) : `${day.format(at)}, ${clock.format(at)}`;
}

function show(root) {
  const now = new Date();
  for (const time of all("time[datetime]", root)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = exact.format(at);
    if (time.dataset.form === "clock") time.textContent = clockOf(at, now);
    else if (time.dataset.form === "exact") time.textContent = exact.format(at);
    else time.textContent = ago(Math.floor(now / 1000) - Math.floor(at / 1000));
  }
}

function tick() {
  const now = Date.now();
  for (const counter of all("[data-since]")) {
    counter.textContent = elapsed(now - new Date(counter.dataset.since).getTime());
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
