import { all, element, one } from "./dom.js";
import { onLive } from "./live.js";

/** Wishes hold half a minute; they are told again well before. */
const AGAIN = 10_000;

/** Says which answers are on the screen. A lost wish comes again, so a failure is no news. */
function wish() {
  if (document.hidden) return;
  for (const box of all("[data-watch]:not([data-ended])")) fetch(`/fragments/watch/${box.dataset.watch}`).catch(() => {});
}

function show(box, text) {
  const place = one(".text", box);
  const atEnd = place.scrollTop + place.clientHeight >= place.scrollHeight - 8;
  one(".wait", box)?.remove();
  place.hidden = false;
  place.textContent = text;
  if (atEnd) place.scrollTop = place.scrollHeight;
}

function end(box, data) {
  box.dataset.ended = "1";
  one(".dot", box)?.classList.remove("live");
  const state = one(".state", box);
  if (state) state.textContent = `ended: ${(data?.state ?? "completed").replaceAll("_", " ")}`;
  const wait = one(".wait", box);
  if (wait) wait.replaceWith(element("p", { class: "muted" }, "It ended before it could be watched; open the request to read it."));
}

function hear({ topic, id, data }) {
  if (topic !== "delta" && topic !== "finished") return;
  for (const box of all(`[data-watch="${id}"]`)) {
    if (topic === "delta") show(box, data?.text ?? "");
    else end(box, data);
  }
}

let started = false;
/** Shows the answers of running requests as they grow: those that an element with `data-watch` asks for. */
export function watch(root = document) {
  if (one("[data-watch]", root) || root.matches?.("[data-watch]")) wish();
  if (started) return;
  started = true;
  onLive(hear);
  setInterval(wish, AGAIN);
}
