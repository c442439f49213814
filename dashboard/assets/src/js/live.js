import { all, one } from "./dom.js";

const listeners = [];
/** Calls `listener` with every live event: `{topic, id, at, domain, data}`. */
export const onLive = (listener) => listeners.push(listener);

const LABEL = { new: "Connecting…", on: "Live", wait: "Reconnecting…" };
const TITLE = { new: "The connection is being made", on: "Events arrive as they happen", wait: "The connection is being made again" };

function showState(state) {
  for (const mark of all("[data-live-state]")) {
    mark.dataset.state = state;
    one(".text", mark).textContent = LABEL[state];
    mark.title = TITLE[state];
  }
}

/** A fragment names the topics at which it wants to be fetched anew, and perhaps the one thing (an
 *  event's id, or its conversation's) of which it wants to hear; bursts are one fetch. */
function refresher({ topic, id, data }) {
  for (const fragment of all(`[data-live~="${topic}"]`)) {
    const { of } = fragment.dataset;
    if (of && of !== id && of !== data?.conversationId) continue;
    if (fragment.dataset.due) continue;
    if (document.hidden || document.body.dataset.paused) {
      fragment.dataset.missed = "1";
      continue;
    }
    fragment.dataset.due = "1";
    setTimeout(() => {
      delete fragment.dataset.due;
      if (fragment.isConnected) window.htmx.trigger(fragment, "live");
    }, Number(fragment.dataset.every ?? 1500));
  }
}

function pill() {
  const button = one("#new-pill");
  if (!button) return;
  const topics = (button.dataset.topics ?? "").split(" ");
  const seen = new Set();
  const wanted = one("#scope-domain")?.value;
  onLive(({ topic, id, domain, data }) => {
    if (!topics.includes(topic) || (wanted && domain && domain !== wanted)) return;
    seen.add(data?.conversationId ?? id);
    button.hidden = false;
    one(".text", button).textContent = `${seen.size} new`;
  });
  button.addEventListener("click", () => location.reload());
}

/** What happened between the page's making and the stream's beginning was told to nobody. */
function catchUp() {
  for (const fragment of all("[data-catch-up]")) window.htmx.trigger(fragment, "live");
}

/** What was missed while nobody looked is shown when somebody does. */
function makeUp() {
  if (document.hidden || document.body.dataset.paused) return;
  for (const fragment of all("[data-missed]")) {
    delete fragment.dataset.missed;
    window.htmx.trigger(fragment, "live");
  }
}

function hear({ data }) {
  if (data.state) showState(data.state);
  if (data.state === "on") catchUp();
  if (data.reload) for (const fragment of all("[data-live]")) window.htmx.trigger(fragment, "live");
  if (!data.event) return;
  refresher(data.event);
  for (const listener of listeners) listener(data.event);
}

function shared(url) {
  const worker = new SharedWorker(url);
  worker.port.onmessage = hear;
  worker.port.start();
  const tell = () => worker.port.postMessage({ visible: !document.hidden });
  document.addEventListener("visibilitychange", tell);
  addEventListener("pagehide", () => worker.port.postMessage({ gone: true }));
  addEventListener("pageshow", tell);
}

/** Without shared workers: a stream of the tab's own, closed while the tab is hidden. */
function own() {
  let source = null;
  const toggle = () => {
    source?.close();
    source = null;
    if (document.hidden) return;
    source = new EventSource("/api/events");
    source.onopen = () => hear({ data: { state: "on" } });
    source.onerror = () => hear({ data: { state: "wait" } });
    source.addEventListener("live", (event) => hear({ data: { event: JSON.parse(event.data) } }));
    source.addEventListener("reload", () => hear({ data: { reload: true } }));
  };
  document.addEventListener("visibilitychange", toggle);
  toggle();
}

export function live() {
  const url = document.body.dataset.worker;
  if (!url) return;
  pill();
  for (const button of all("[data-pause]")) {
    button.addEventListener("click", () => {
      const paused = document.body.toggleAttribute("data-paused");
      if (paused) document.body.dataset.paused = "1";
      button.setAttribute("aria-pressed", String(paused));
      one(".text", button).textContent = paused ? "Resume" : "Pause";
      makeUp();
    });
  }
  document.addEventListener("visibilitychange", makeUp);
  if (window.SharedWorker) shared(url);
  else own();
}
