import { all, one } from "./dom.js";
import { onLive } from "./live.js";
import { scoped } from "./scope.js";

const MIN = 0.05;
const MAX = 2.5;
/** Pixels on the right that the buttons stand on, beside a margin like the left one. */
const TOOLS = 28;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Pan, zoom, keys and the window of a graph whose nodes the server draws. */
class Canvas {
  constructor(box) {
    this.box = box;
    this.svg = one("svg.graph", box);
    this.width = Number(box.dataset.width);
    this.height = Number(box.dataset.height);
    this.loaded = [Number(box.dataset.from), Number(box.dataset.to)];
    this.view = { x: -24, y: -24, zoom: 1 };
    this.pointers = new Map();
    this.start();
  }

  start() {
    const { box } = this;
    box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    box.addEventListener("pointerdown", (event) => this.down(event));
    box.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, (event) => this.up(event));
    box.addEventListener("click", (event) => this.click(event), true);
    box.addEventListener("keydown", (event) => this.key(event));
    for (const button of all("[data-zoom]", box)) button.addEventListener("click", () => this.tool(button.dataset.zoom));
    one(".minimap", box)?.addEventListener("pointerdown", (event) => this.jump(event));
    new ResizeObserver(() => this.draw()).observe(box);
    this.follow = one("[data-follow]", box.closest(".graph-card") ?? box);
    this.follow?.addEventListener("click", () => this.toggleFollow());
    onLive((event) => this.hear(event));
    this.rove();
    this.home();
  }

  get isFollowing() {
    return this.follow?.getAttribute("aria-pressed") === "true";
  }

  toggleFollow() {
    this.follow.setAttribute("aria-pressed", String(!this.isFollowing));
    if (this.isFollowing) this.refresh();
  }

  /** Something happened in this conversation: the steps in view are drawn anew. */
  hear({ topic, id, data }) {
    if (!this.box.isConnected || data?.conversationId !== this.box.dataset.conversation) return;
    if (topic !== "stored" && topic !== "linked") return;
    if (id && one("#detail [data-node]")?.dataset.node === id) this.stale = true;
    clearTimeout(this.due);
    this.due = setTimeout(() => this.refresh(), 700);
  }

  refresh() {
    const [from, to] = this.loaded;
    this.load(from, Math.max(to, from + 3600)).then((made) => {
      if (!made) return;
      this.width = Number(made.dataset.width);
      this.height = Number(made.dataset.height);
      const runs = one("[data-runs]", this.box.closest(".graph-card") ?? this.box);
      if (runs && made.dataset.runs === "true") runs.hidden = false;
      const shown = one("#detail [data-node]")?.dataset.node;
      const newest = made.dataset.newest;
      const node = newest && one(`a.node[data-id="${newest}"]`, this.svg);
      if (this.isFollowing && newest && newest !== shown) {
        if (node) {
          this.select(node, false);
          this.reveal(node);
        }
      } else {
        const same = one(`a.node[data-id="${shown}"]`, this.svg);
        if (same) this.mark(same);
        if (this.stale && shown) this.detail(shown);
      }
      this.stale = false;
      this.draw();
    });
  }

  /** Makes one node the selected one. */
  mark(node) {
    for (const old of all(".node.on", this.svg)) {
      old.classList.remove("on");
      old.removeAttribute("aria-current");
    }
    node?.classList.add("on");
    node?.setAttribute("aria-current", "true");
    this.rove();
  }

  /** The Tab key stops once in the graph, however many nodes it has; the arrows go on from there. */
  rove(stop = one(".node.on", this.svg) ?? one(".node", this.svg)) {
    for (const node of all("a.node", this.svg)) node.setAttribute("tabindex", node === stop ? "0" : "-1");
  }

  detail(id) {
    const path = scoped(`/conversations/${this.box.dataset.conversation}/detail/${id}`);
    window.htmx.ajax("GET", path, { target: "#detail", swap: "innerHTML" });
  }

  /** Shows the selected node, else the newest: that is what one came for. */
  home() {
    const on = one(".node.on", this.svg) ?? [...all(".node", this.svg)].at(-1);
    const size = this.size();
    const room = size.w - TOOLS;
    // Letters stay readable: what is wider than the window is panned to.
    this.view.zoom = clamp(room / (this.width + 48), 0.8, 1);
    this.view.x = Math.min(-24, (this.width - room / this.view.zoom) / 2);
    const tall = size.h / this.view.zoom;
    const y = on ? Number(on.dataset.y) : 0;
    // No empty space above the first step, nor below the last one.
    this.view.y = clamp(y - tall / 2, -24, Math.max(-24, this.height + 24 - tall));
    this.draw();
  }

  size() {
    return { w: this.box.clientWidth || 1, h: this.box.clientHeight || 1 };
  }

  /** The graph never leaves its window: what is larger ends at the edges, what is smaller stays between them. */
  bound() {
    const { w, h } = this.size();
    const { view } = this;
    const within = (at, room, length) => {
      const ends = [-24, length + 24 - room];
      return clamp(at, Math.min(...ends), Math.max(...ends));
    };
    view.x = within(view.x, w / view.zoom, this.width);
    view.y = within(view.y, h / view.zoom, this.height);
  }

  draw() {
    this.bound();
    const { w, h } = this.size();
    const { x, y, zoom } = this.view;
    this.svg.setAttribute("viewBox", `${x} ${y} ${w / zoom} ${h / zoom}`);
    const frame = one(".minimap .view", this.box);
    for (const [name, value] of Object.entries({ x, y, width: w / zoom, height: h / zoom })) frame?.setAttribute(name, value);
    this.window(y, y + h / zoom);
  }

  /** Fetches the nodes of what came into view, with a screen on either side. */
  window(from, to) {
    const [have, until] = this.loaded;
    if (!this.box.dataset.src || this.fetching || (Math.max(0, from) >= have && Math.min(this.height, to) <= until)) return;
    const space = to - from;
    this.load(from - space, to + space).then((made) => {
      // Not again at once: the next movement asks again.
      if (!made) this.loaded = [from, to];
    });
  }

  /** Draws what lies between two heights; the answer's root says how large the whole is. */
  async load(from, to) {
    if (this.fetching) return null;
    this.fetching = true;
    const url = new URL(this.box.dataset.src, location.href);
    url.searchParams.set("y0", Math.floor(from));
    url.searchParams.set("y1", Math.ceil(to));
    try {
      const answer = await fetch(url);
      if (!answer.ok) return null;
      const made = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
      const focused = document.activeElement?.dataset?.id;
      one(".nodes", this.svg).replaceChildren(...[...made.childNodes].map((node) => document.importNode(node, true)));
      this.rove();
      if (focused) one(`a.node[data-id="${focused}"]`, this.svg)?.focus({ preventScroll: true });
      this.loaded = [from, to];
      return made;
    } catch {
      return null;
    } finally {
      this.fetching = false;
    }
  }

  zoomAt(factor, px, py) {
    const { view } = this;
    const zoom = clamp(view.zoom * factor, MIN, MAX);
    view.x += px / view.zoom - px / zoom;
    view.y += py / view.zoom - py / zoom;
    view.zoom = zoom;
    this.draw();
  }

  wheel(event) {
    const box = this.box.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      return this.zoomAt(Math.exp(-event.deltaY * 0.01), event.clientX - box.left, event.clientY - box.top);
    }
    const { x, y } = this.view;
    this.pan(event.deltaX + (event.shiftKey ? event.deltaY : 0), event.shiftKey ? 0 : event.deltaY);
    // At its end the graph lets the page scroll on.
    if (x !== this.view.x || y !== this.view.y) event.preventDefault();
  }

  pan(dx, dy) {
    this.view.x += dx / this.view.zoom;
    this.view.y += dy / this.view.zoom;
    this.draw();
  }

  down(event) {
    if (event.target.closest(".canvas-tools, .minimap")) return;
    this.pointers.set(event.pointerId, event);
    this.moved = 0;
  }

  move(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const [dx, dy] = [event.clientX - last.clientX, event.clientY - last.clientY];
    this.moved += Math.abs(dx) + Math.abs(dy);
    if (this.moved > 4 && !this.box.hasPointerCapture(event.pointerId)) this.box.setPointerCapture(event.pointerId);
    const other = [...this.pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    if (other) {
      const before = Math.hypot(last.clientX - other.clientX, last.clientY - other.clientY);
      const after = Math.hypot(event.clientX - other.clientX, event.clientY - other.clientY);
      const box = this.box.getBoundingClientRect();
      this.zoomAt(after / (before || 1), (event.clientX + other.clientX) / 2 - box.left, (event.clientY + other.clientY) / 2 - box.top);
    } else {
      this.box.classList.add("pan");
      this.pan(-dx, -dy);
    }
    this.pointers.set(event.pointerId, event);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    this.box.classList.remove("pan");
  }

  click(event) {
    if (this.moved > 4) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const node = event.target.closest("a.node[data-id]");
    if (node && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.select(node);
    }
  }

  select(node, byHand = true) {
    this.mark(node);
    if (byHand) {
      this.follow?.setAttribute("aria-pressed", "false");
      node.focus({ preventScroll: true });
      history.replaceState(null, "", node.getAttribute("href"));
      const source = new URL(this.box.dataset.src, location.href);
      source.searchParams.set("node", node.dataset.id);
      this.box.dataset.src = source.pathname + source.search;
    }
    this.detail(node.dataset.id);
  }

  jump(event) {
    const map = one(".minimap", this.box).getBoundingClientRect();
    const { w, h } = this.size();
    this.view.x = ((event.clientX - map.left) / map.width) * this.width - w / this.view.zoom / 2;
    this.view.y = ((event.clientY - map.top) / map.height) * this.height - h / this.view.zoom / 2;
    this.draw();
  }

  tool(name) {
    const { w, h } = this.size();
    if (name === "in") this.zoomAt(1.25, w / 2, h / 2);
    if (name === "out") this.zoomAt(0.8, w / 2, h / 2);
    if (name === "home") this.home();
    if (name === "fit") {
      this.view.zoom = clamp(Math.min(w / (this.width + 48), h / (this.height + 48)), MIN, 1);
      this.view.x = (this.width - w / this.view.zoom) / 2;
      this.view.y = (this.height - h / this.view.zoom) / 2;
      this.draw();
    }
  }

  /** The nearest node in the arrow's direction, the straighter the better. */
  key(event) {
    const [dx, dy] = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key] ?? [0, 0];
    if (event.key === "+" || event.key === "=") return this.tool("in");
    if (event.key === "-") return this.tool("out");
    if (event.key === "0") return this.tool("fit");
    if (!dx && !dy) return;
    event.preventDefault();
    const focused = document.activeElement?.closest?.("a.node");
    const from = focused && this.svg.contains(focused) ? focused : one(".node.on", this.svg) ?? one(".node", this.svg);
    if (!from) return;
    const at = [Number(from.dataset.x), Number(from.dataset.y)];
    const score = (node) => {
      const [x, y] = [Number(node.dataset.x) - at[0], Number(node.dataset.y) - at[1]];
      const [along, across] = [x * dx + y * dy, Math.abs(x * dy + y * dx)];
      return along > 1 && across <= 4 * along ? along + 3 * across : Infinity;
    };
    const next = all("a.node", this.svg).reduce((best, node) => (score(node) < (best ? score(best) : Infinity) ? node : best), null);
    if (!next) return;
    this.go(next);
  }

  /** To a step, which is selected, or to a folded sub-agent, which Enter opens. */
  go(node) {
    if (node.dataset.id) {
      this.select(node);
    } else {
      this.rove(node);
      node.focus({ preventScroll: true });
    }
    this.reveal(node);
  }

  reveal(node) {
    const { w, h } = this.size();
    const { view } = this;
    const [x, y] = [Number(node.dataset.x), Number(node.dataset.y)];
    if (y < view.y + 40 || y > view.y + h / view.zoom - 80) view.y = y - h / view.zoom / 2;
    if (x < view.x + 20 || x > view.x + w / view.zoom - 120) view.x = x - 60;
    this.draw();
  }
}

export function graph(root = document) {
  for (const box of all(".canvas[data-width]", root)) {
    if (box.dataset.ready) continue;
    box.dataset.ready = "1";
    new Canvas(box);
  }
}
