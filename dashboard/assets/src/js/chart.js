import { element, one } from "./dom.js";

let tip = null;

function show(mark, x, y) {
  const text = mark.dataset.tip || mark.getAttribute("aria-label");
  if (!text) return hide();
  tip ??= document.body.appendChild(element("div", { class: "chart-tip", role: "status" }));
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(innerWidth - box.width - 8, x + 12))}px`;
  tip.style.top = `${y + box.height + 24 > innerHeight ? y - box.height - 12 : y + 16}px`;
}

function hide() {
  if (tip) tip.hidden = true;
}

function step(event) {
  if (event.key === "Escape") return hide();
  const mark = event.target.closest?.("[data-tip][tabindex]");
  const delta = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!mark || !delta) return;
  const marks = [...mark.closest("svg").querySelectorAll("[data-tip][tabindex]")];
  const next = marks[marks.indexOf(mark) + delta];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** Every mark of a chart says its value in `data-tip`, or has it as its name; the pointer and the focus show it. */
export function charts() {
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (mark) show(mark, event.clientX, event.clientY);
    else hide();
  });
  document.addEventListener("focusin", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (!mark) return hide();
    const box = mark.getBoundingClientRect();
    show(mark, box.left + box.width / 2, box.top + box.height / 4);
  });
  document.addEventListener("keydown", step);
  document.addEventListener("scroll", hide, { passive: true, capture: true });
  one("main")?.addEventListener("pointerleave", hide);
}
