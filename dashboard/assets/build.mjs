// Builds dist/: one style sheet, the scripts, an icon sprite, the logo; each under a name that holds
// its content's hash, with a brotli copy beside it, and manifest.json from plain to hashed name.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const BUDGET = 250 * 1024;

async function bundle(entry) {
  const result = await build({
    entryPoints: [join(here, "src", entry)], bundle: true, minify: true, write: false,
    format: "iife", target: ["chrome123", "firefox120", "safari17.5"], legalComments: "none",
    nodePaths: [join(here, "node_modules")],
  });
  return Buffer.from(result.outputFiles[0].contents);
}

function sprite() {
  const names = readFileSync(join(here, "src/icons.txt"), "utf8").split("\n").filter(Boolean);
  const symbols = names.map((name) => {
    const file = join(here, "node_modules/lucide-static/icons", `${name}.svg`);
    if (!existsSync(file)) throw new Error(`icons.txt names "${name}", which lucide-static does not have`);
    const inner = readFileSync(file, "utf8").replace(/<!--.*?-->/gs, "").replace(/^[\s\S]*?<svg[^>]*>|<\/svg>\s*$/g, "");
    return `<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s+/g, " ").trim()}</symbol>`;
  });
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`);
}

const files = {
  "style.css": await bundle("style/index.css"),
  "app.js": await bundle("js/app.js"),
  "live-worker.js": await bundle("js/live-worker.js"),
  "icons.svg": sprite(),
  "logo.svg": readFileSync(join(here, "src/logo.svg")),
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const manifest = {};
let total = 0;
for (const [name, bytes] of Object.entries(files)) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const hashed = name.replace(/(\.[a-z]+)$/, `.${hash}$1`);
  const packed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  writeFileSync(join(dist, hashed), bytes);
  writeFileSync(join(dist, `${hashed}.br`), packed);
  manifest[name] = hashed;
  total += packed.length;
}
if (total > BUDGET) throw new Error(`the assets take ${total} bytes compressed; the budget is ${BUDGET}`);
writeFileSync(join(dist, "manifest.json"), JSON.stringify(manifest, null, 2));
console.log(`${Object.keys(files).length} assets, ${total} bytes compressed`);
