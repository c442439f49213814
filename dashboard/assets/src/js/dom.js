export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Calls `start` with every fragment that htmx puts into the page. */
export function onSwap(start) {
  document.addEventListener("htmx:load", (event) => {
    if (event.target !== document.body) start(event.target);
  });
}

export function element(tag, attributes = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

export const setCookie = (name, value) => {
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=31536000; samesite=lax`;
};

/** Says `text` to the eye and to a screen reader. */
export function toast(text) {
  const box = one("#toasts");
  if (!box) return;
  const made = element("div", { class: "toast" }, text);
  box.append(made);
  setTimeout(() => made.remove(), 3500);
}
