// Hostile texts. Each would call `__hit(n)` or leave a trace if it ran.
const call = (n) => `window.__pwned.push(${n})`;

// How code can be started from markup.
const STARTS = [
  (js) => `<script>${js}</script>`,
  (js) => `<ScRiPt >${js}</sCrIpT >`,
  (js) => `<script src="data:text/javascript,${encodeURIComponent(js)}"></script>`,
  (js) => `<script type=module>${js}</script>`,
  (js) => `<img src=x onerror="${js}">`,
  (js) => `<img src=x onerror=${js}//`,
  (js) => `<img/src=x/onerror='${js}'>`,
  (js) => `<svg onload="${js}">`,
  (js) => `<svg><script>${js}</script></svg>`,
  (js) => `<svg><animate onbegin="${js}" attributeName=x dur=1s>`,
  (js) => `<svg><a xlink:href="javascript:${js}"><text x=9 y=9>x</text></a></svg>`,
  (js) => `<math><mtext><table><mglyph><style><img src=x onerror="${js}">`,
  (js) => `<body onload="${js}">`,
  (js) => `<iframe srcdoc="<script>parent.${js}</script>"></iframe>`,
  (js) => `<iframe src="javascript:parent.${js}"></iframe>`,
  (js) => `<object data="javascript:${js}"></object>`,
  (js) => `<embed src="javascript:${js}">`,
  (js) => `<details open ontoggle="${js}">x</details>`,
  (js) => `<video><source onerror="${js}"></video>`,
  (js) => `<audio src=x onerror="${js}"></audio>`,
  (js) => `<input autofocus onfocus="${js}">`,
  (js) => `<select autofocus onfocus="${js}">`,
  (js) => `<marquee onstart="${js}">x</marquee>`,
  (js) => `<form><button formaction="javascript:${js}">x</button></form>`,
  (js) => `<a href="javascript:${js}">x</a>`,
  (js) => `<a href="java\tscript:${js}">x</a>`,
  (js) => `<a href="&#106;avascript:${js}">x</a>`,
  (js) => `<base href="javascript:${js}//">`,
  (js) => `<meta http-equiv="refresh" content="0;url=javascript:${js}">`,
  (js) => `<link rel=stylesheet href="data:text/css,*{x:expression(${js})}">`,
  (js) => `<style>@import 'javascript:${js}';</style>`,
  (js) => `<div style="background:url(javascript:${js})">x</div>`,
  (js) => `<template><script>${js}</script></template>`,
  (js) => `<noscript><p title="</noscript><img src=x onerror='${js}'>"></noscript>`,
  (js) => `<div hx-get="/" hx-trigger="load" hx-on:htmx:load="${js}">x</div>`,
  (js) => `<div hx-on::load="${js}" data-hx-on="load: ${js}">x</div>`,
  (js) => `<div hx-vals='js:{a:${js}}' hx-get="/" hx-trigger="load">x</div>`,
  (js) => `[x](javascript:${js})`,
  (js) => `![x](x" onerror="${js})`,
  (js) => `![x](javascript:${js})`,
  (js) => `<javascript:${js}>`,
  (js) => `[x]: javascript:${js}\n[x]`,
  (js) => '```<script>' + js + '</script>\n```',
  (js) => `| <img src=x onerror="${js}"> |\n|---|`,
  (js) => `{{ "${js}" | safe }}{% raw %}<script>${js}</script>{% endraw %}`,
  (js) => `\u001b]8;;javascript:${js}\u0007x\u001b]8;;\u0007\u001b[31m<img src=x onerror="${js}">`,
  (js) => `\u202e<script>${js}</script>\u0000`,
  (js) => `{"__proto__":{"x":"<img src=x onerror=${js}>"}}`,
];

// How markup can break out of the place where the text stands.
const ESCAPES = [
  (markup) => markup,
  (markup) => `"'><!--${markup}-->${markup}`,
  (markup) => `</title></textarea></script></style></svg></template>${markup}`,
  (markup) => `\`\${1}\`'};${markup}`,
];

// At least 150 texts, numbered.
export const corpus = ESCAPES.flatMap((escape, i) =>
  STARTS.map((start, j) => escape(start(call(i * STARTS.length + j)))));

// Addresses that a page must never ask for by itself.
export const beacons = ['![b](https://evil.example/b.png)', '<img src="https://evil.example/c.png">',
  '<link rel="prefetch" href="https://evil.example/d">', '<style>@import url(https://evil.example/e.css)</style>'];
