// One event stream for all tabs of the browser: HTTP/1.1 allows six connections to a host, and a
// tab more must not cost one. Closed while no tab is visible.
const ports = new Map();
let source = null;
let lastId = "";
let state = "new";

const send = (message) => ports.forEach((_, port) => port.postMessage(message));
const wanted = () => [...ports.values()].some(Boolean);

function setState(next) {
  state = next;
  send({ state });
}

function open() {
  if (source || !wanted()) return;
  source = new EventSource(lastId ? `/api/events?after=${encodeURIComponent(lastId)}` : "/api/events");
  source.onopen = () => setState("on");
  source.onerror = () => {
    setState("wait");
    if (source.readyState === EventSource.CLOSED) {
      source = null;
      setTimeout(open, 5000);
    }
  };
  source.addEventListener("live", (event) => {
    lastId = event.lastEventId;
    send({ event: JSON.parse(event.data) });
  });
  source.addEventListener("reload", () => send({ reload: true }));
}

function close() {
  source?.close();
  source = null;
}

onconnect = (connect) => {
  const port = connect.ports[0];
  ports.set(port, true);
  port.onmessage = ({ data }) => {
    if (data.gone) ports.delete(port);
    else ports.set(port, data.visible);
    if (wanted()) open();
    else close();
  };
  port.postMessage({ state });
  open();
};
