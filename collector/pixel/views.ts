// Which page is being looked at, also on sites that load no other page: a view begins with the page, with an address that the
// site's router sets, and when the browser shows a page again that it had kept.
//
// A new address is a view when its path differs; when it is not a replaced one, also when its query does. Of fragments those count
// that are routes: #/cart, #!/cart. The router sets the title some time after the address, so a view is told when the title has
// changed, at the latest after half a second, and as of the moment when it began.

import { listen, safe } from "./dom.ts";
import type { Page } from "./event.ts";

const TITLE_MS_MAX = 500;
const TITLE_QUIET_MS = 20; // routers that set it twice do so at once

export interface Told {
  /** A view has begun; its title may be the old one still. */
  began(page: Page, when: Date): void;
  /** All of it is known. `isLoaded`: the document was asked for under this address. */
  settled(page: Page, when: Date, isLoaded: boolean): void;
}

/** What is looked at now. A route counts as a part of the path. */
export function here(referrer: string): Page {
  const { href, pathname, search, hash } = location;
  const route = /^#!?\//.test(hash) ? hash : "";
  return { path: pathname + route, referrer, search, title: document.title, url: href.replace(/#.*/, "") + route };
}

type Change = Event & { navigationType?: string | null };

export function views({ began, settled }: Told, start: Date): void {
  let page = here(document.referrer);
  let isLoaded = true;
  let finish: (() => void) | undefined; // of the view that is not told yet

  const begin = (when: Date, isTitled: boolean) => {
    finish?.();
    const { title } = document;
    let timer = 0;
    const changes = new MutationObserver(() => document.title !== title && wait(TITLE_QUIET_MS));
    const end = safe(() => {
      finish = undefined;
      clearTimeout(timer);
      changes.disconnect();
      settled({ ...page, title: document.title }, when, isLoaded);
    });
    const wait = (ms: number) => {
      clearTimeout(timer);
      timer = window.setTimeout(end, ms);
    };
    finish = end;
    began(page, when);
    if (isTitled) return void queueMicrotask(() => finish === end && end()); // after the site's early calls
    wait(TITLE_MS_MAX);
    changes.observe(document.head || document, { childList: true, characterData: true, subtree: true });
  };

  const moved = safe((isReplaced: boolean) => {
    const there = here(page.referrer);
    const isOther = there.path !== page.path;
    if (isOther ? isReplaced && finish : isReplaced || there.search === page.search) {
      page = there; // a redirect, or the same page said otherwise
      return;
    }
    finish?.();
    page = { ...there, referrer: page.url };
    isLoaded = false;
    begin(new Date(), false);
  });

  begin(start, !!document.title || document.readyState === "complete");
  listen(window, "pagehide", () => finish?.());
  listen<PageTransitionEvent>(window, "pageshow", ({ persisted }) => persisted && begin(new Date(), true));
  follow(moved);
}

/** Where the browser tells of new addresses it is asked, elsewhere the router's calls are. */
function follow(moved: (isReplaced: boolean) => void): void {
  const { navigation } = window as { navigation?: EventTarget };
  if (navigation) {
    listen<Change>(navigation, "currententrychange", ({ navigationType: type }) => type && moved(type === "replace"));
    return;
  }
  for (const name of ["pushState", "replaceState"] as const) {
    const own = history[name];
    history[name] = function (...values) {
      own.apply(this, values); // what it throws is the page's
      moved(name === "replaceState");
    };
  }
  listen(window, "popstate", () => moved(false));
  listen(window, "hashchange", () => moved(false));
}
