import { all, element, one } from "./dom.js";
import { scoped } from "./scope.js";

let chosen = 0;

function commands() {
  const places = all(".side .nav a").map((link) => ({ text: one(".label", link).textContent, hint: link.dataset.keys ?? "", href: link.href }));
  const here = all("[data-command]").map((made) => ({ text: made.dataset.command, hint: "on this page", run: () => made.click() }));
  return [...here, ...places];
}

function choose(list, index) {
  const options = all('[role="option"]', list);
  if (!options.length) return;
  chosen = (index + options.length) % options.length;
  options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
  options[chosen].scrollIntoView({ block: "nearest" });
  one("#palette-input").setAttribute("aria-activedescendant", options[chosen].id);
}

function option(entry, index) {
  const made = element("div", { role: "option", id: `palette-${index}`, "aria-selected": "false" });
  made.append(element("span", { class: "clip" }, entry.text), element("span", { class: "hint" }, entry.hint));
  made.addEventListener("click", () => take(entry));
  made.entry = entry;
  return made;
}

function take(entry) {
  one("#palette").close();
  if (entry.run) entry.run();
  else location.assign(entry.href);
}

const NOTHING = { entries: [], unsearched: null };

async function found(text, signal) {
  if (text.length < 3) return NOTHING;
  try {
    const answer = await fetch(scoped(`/fragments/palette?q=${encodeURIComponent(text)}`), { signal });
    return answer.ok ? await answer.json() : NOTHING;
  } catch {
    return NOTHING;
  }
}

/** Where the search field of the top bar leads with this text. */
function searched(text) {
  const fields = new FormData(one("form.search"));
  fields.set("q", text);
  return `/conversations?${new URLSearchParams(fields)}`;
}

/** The way to the whole search, which goes on where the palette's ended. */
function whole(text, unsearched) {
  const label = unsearched === "next" ? `Only the newest were searched: search all conversations for “${text}”` : `Search conversations for “${text}”`;
  return { text: label, hint: "search", href: searched(text) };
}

let asked = null;
async function fill(text) {
  const list = one("#palette-list");
  const known = commands().filter(({ text: label }) => label.toLowerCase().includes(text.toLowerCase()));
  const draw = ({ entries, unsearched }) => {
    const search = text ? [whole(text, unsearched)] : [];
    list.replaceChildren(...[...known, ...entries, ...search].map(option));
    choose(list, 0);
  };
  draw(NOTHING);
  asked?.abort();
  asked = new AbortController();
  const more = await found(text, asked.signal);
  if (more.entries.length || more.unsearched) draw(more);
}

export function openPalette() {
  const dialog = one("#palette");
  if (!dialog || dialog.open) return;
  dialog.showModal();
  one("#palette-input").value = "";
  fill("");
}

export function palette() {
  const input = one("#palette-input");
  if (!input) return;
  const list = one("#palette-list");
  input.addEventListener("input", () => fill(input.value.trim()));
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      choose(list, chosen + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const entry = all('[role="option"]', list)[chosen]?.entry;
      if (entry) take(entry);
    }
  });
  for (const button of all("[data-palette]")) button.addEventListener("click", openPalette);
}
