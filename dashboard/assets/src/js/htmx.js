import htmx from "htmx.org";

// The page's policy allows no inline style and no eval, so htmx must need neither.
Object.assign(htmx.config, { includeIndicatorStyles: false, allowEval: false, selfRequestsOnly: true, historyCacheSize: 0, scrollBehavior: "auto" });
window.htmx = htmx;

const csrf = document.querySelector('meta[name="csrf"]')?.content;
document.addEventListener("htmx:configRequest", (event) => {
  if (csrf) event.detail.headers["x-csrf-token"] = csrf;
});
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401) location.reload();
});
