// What an event says about the page and the browser it was made in: the only readers of window and document besides index.ts.

import type { Fields, Page } from "./event.ts";

export const VERSION = "0.1.0";

export function pageNow(): Page {
  const { href, pathname, search } = location;
  return { path: pathname, referrer: document.referrer, search, title: document.title, url: href.replace(/#.*/, "") };
}

export function browserNow(): Fields {
  const { language, userAgent } = navigator;
  const { width, height } = screen;
  return {
    library: { name: "stitchline-pixel", version: VERSION },
    locale: language,
    screen: { width, height, density: devicePixelRatio },
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    userAgent,
  };
}
