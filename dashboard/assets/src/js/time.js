import { all, element, setCookie, one } from "./dom.js";

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const UNITS = [["y", 31536000], ["mo", 2592000], ["d", 86400], ["h", 3600], ["m", 60]];

function relative(seconds) {
  const ahead = seconds < 0;
  const distance = Math.abs(seconds);
  if (distance < 45) return ahead ? "in a moment" : "just now";
  const [unit, size] = UNITS.find(([, size]) => distance >= size) ?? ["m", 60];
  const count = Math.max(1, Math.round(distance / size));
  return ahead ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

function elapsed(seconds) {
  const whole = Math.max(0, seconds);
  if (whole < 60) return `${whole.toFixed(1)} s`;
  return `${Math.floor(whole / 60)} m ${String(Math.floor(whole % 60)).padStart(2, "0")} s`;
}

function show(root) {
  const now = Date.now();
  for (const time of all("time[datetime]", root)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = exact.format(at);
    if (time.dataset.form === "clock") time.textContent = at.toLocaleTimeString();
    else if (time.dataset.form === "exact") time.textContent = exact.format(at);
    else time.textContent = relative((now - at.getTime()) / 1000);
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
