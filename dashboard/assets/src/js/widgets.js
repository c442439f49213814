import { all, one, setCookie, toast } from "./dom.js";

async function copy(button) {
  const target = button.dataset.copy ? button.dataset.copy : one(button.dataset.copyFrom)?.textContent;
  try {
    await navigator.clipboard.writeText((target ?? "").trim());
    toast("Copied");
  } catch {
    toast("The browser did not allow copying");
  }
}

/** What is chosen here holds from now on; an address by itself changes no preference. */
function keepChoice(event) {
  if (event.target.dataset?.keep) setCookie(event.target.dataset.keep, event.target.value);
}

function submitOnChange(event) {
  const form = event.target.form;
  if (form?.matches("[data-auto]") && event.target.matches("select, input[type=checkbox], input[type=radio]")) form.requestSubmit();
}

/** Empty fields would litter the address. */
function tidy(event) {
  if (event.target.method !== "get") return;
  for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
  setTimeout(() => [...event.target.elements].forEach((field) => (field.disabled = false)));
}

/** Opens what an address's fragment points into, so that a permalink shows its block. */
function unfold() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
}

/** Narrow windows do not hold all tabs and branches: the current ones are moved into view. */
function showCurrent() {
  for (const current of all(".tabs [aria-current], .branches > .shown [aria-current]")) {
    const strip = current.parentElement;
    const [place, box] = [current.getBoundingClientRect(), strip.getBoundingClientRect()];
    strip.scrollLeft += place.left + place.width / 2 - (box.left + box.width / 2);
  }
}

/** What is cut off says the whole of it on hover, unless something around it says more. */
function tellWhole({ target }) {
  const cut = target.closest?.(".clip, .lines");
  const isCut = cut && (cut.scrollWidth > cut.clientWidth || cut.scrollHeight > cut.clientHeight + 1);
  if (isCut && !cut.closest("[title]")) cut.title = cut.textContent.trim();
}

export function widgets() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-from]");
    if (button) copy(button);
    const folder = event.target.closest?.("[data-fold-all]");
    if (folder) {
      const open = folder.dataset.foldAll === "open";
      for (const detail of all("#main details.tool, #main details.fold")) detail.open = open;
    }
  });
  document.addEventListener("pointerover", tellWhole);
  document.addEventListener("change", keepChoice);
  document.addEventListener("change", submitOnChange);
  document.addEventListener("submit", tidy);
  addEventListener("hashchange", unfold);
  unfold();
  showCurrent();
}
