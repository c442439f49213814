// Finds the dashboard's pages by following its links, one or two of each shape.
import { visit } from './browser.mjs';

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const NEVER = /^\/(api|assets|logout|health|metrics|mcp)\b/;

// The path with ids and the values of the query replaced: equal shapes, equal pages.
export function shape(path) {
  return path.replace(/#.*/, '').replace(ID, ':id').replace(/=[^&]*/g, '=');
}

// Paths of pages, `each` of a shape, at most `most` in all.
export async function pages(page, origin, { each = 1, most = 60 } = {}) {
  const counts = new Map();
  const queue = ['/'];
  const found = [];
  while (queue.length > 0 && found.length < most) {
    const path = queue.shift();
    const key = shape(path);
    if ((counts.get(key) ?? 0) >= each || NEVER.test(path)) continue;
    const response = await visit(page, origin + path).catch(() => null);
    // A download is no page.
    if (!response || !(response.headers()['content-type'] ?? '').includes('html')) continue;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    found.push(path);
    const links = await page.$$eval('a[href]', (all) => all.filter((a) => !a.download).map((a) => a.getAttribute('href')));
    for (const link of links) {
      const url = new URL(link, origin + path);
      if (url.origin === origin) queue.push(url.pathname + url.search);
    }
  }
  return found;
}
