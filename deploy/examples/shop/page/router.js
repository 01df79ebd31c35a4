// One page, many addresses: links of the shop change the address and the content, and load nothing.
// The pixel sees such a change by itself: it needs no call here.

const main = document.getElementById("main");
let routes = [];

export function start(table) {
  routes = table;
  addEventListener("popstate", show);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const isPlain = !event.defaultPrevented && !event.button && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || link.target || link.origin !== location.origin || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  show();
}

export function go(path) {
  history.pushState(null, "", path);
  show();
  scrollTo(0, 0);
  main.focus({ preventScroll: true }); // what a new page does for those who hear it
}

/** Once more, without a new address: something of what is shown has changed. */
export function show() {
  const { pathname, search } = location;
  for (const [pattern, view] of routes) {
    const found = pattern.exec(pathname);
    if (!found) continue;
    const { title, content } = view(found[1] && decodeURIComponent(found[1]), new URLSearchParams(search));
    document.title = title ? `${title} – Kettle & Leaf` : "Kettle & Leaf";
    main.replaceChildren(...[content].flat());
    return;
  }
}
