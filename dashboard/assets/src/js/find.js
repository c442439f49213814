import { all } from "./dom.js";

const MOST = 500;

/** The words of a search, its conditions and marks left out. */
function wordsOf(query) {
  return query.split(/\s+/).map((word) => word.replace(/^["-]+|"+$/g, "").toLowerCase()).filter((word) => word && !/^\w+:/.test(word));
}

function ranges(root, words) {
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node && found.length < MOST; node = walker.nextNode()) {
    const text = node.textContent.toLowerCase();
    for (const word of words) {
      for (let at = text.indexOf(word); at >= 0 && found.length < MOST; at = text.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + word.length);
        found.push(range);
      }
    }
  }
  return found;
}

function reveal(range) {
  for (let at = range.startContainer.parentElement; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  const box = range.getBoundingClientRect();
  scrollTo({ top: scrollY + box.top - innerHeight / 3 });
}

/** Marks what was searched for, without changing the page, and goes to the first place. */
export function find() {
  const words = wordsOf(new URLSearchParams(location.search).get("find") ?? "");
  const script = all("#main .script")[0];
  if (!words.length || !script || !window.CSS?.highlights) return;
  const mark = (jump) => {
    const found = ranges(script, words);
    CSS.highlights.set("found", new Highlight(...found));
    if (jump && found.length) reveal(found[0]);
  };
  mark(true);
  document.addEventListener("htmx:load", () => mark(false));
}
