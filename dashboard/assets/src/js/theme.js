import { all, setCookie } from "./dom.js";

const root = document.documentElement;
const current = () => root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

/** The server writes the cookie's theme into the page, so that the first paint has it. */
export function theme() {
  for (const button of all("[data-theme-toggle]")) {
    button.addEventListener("click", () => {
      const next = current() === "dark" ? "light" : "dark";
      root.dataset.theme = next;
      setCookie("nexus_theme", next);
    });
  }
  for (const button of all("[data-side-toggle]")) {
    button.addEventListener("click", () => {
      const folded = document.body.classList.toggle("collapsed");
      button.setAttribute("aria-expanded", String(!folded));
      setCookie("nexus_side", folded ? "folded" : "open");
    });
  }
}
