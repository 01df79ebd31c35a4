// What an event says about the page and the browser it was made in.

import type { Fields, Page } from "./event.ts";

export const VERSION = "0.1.0";

// What says where a visitor comes from, and who it is: the only parts of an address that are taken up again.
const ARRIVAL = /^(_c|contact_id|ecid|email|em|eh|_kx|mkt_tok|_hs\w+|(utm|mtm|pk|mc)_\w+|\w*cl(ick)?id|[gw]braid|li_fat_id)=/;

/** The address without its fragment, with what a site's router took out of the one that the visitor came with. Pure. */
export function restored(url: string, landing: string): string {
  const [, query] = /^[^?#]*\?([^#]*)/.exec(landing) || [];
  if (!query) return url;
  const isLost = (part: string) => ARRIVAL.test(part) && !url.replace("?", "&").includes(`&${part.split("=")[0]}=`);
  return query.split("&").filter(isLost).reduce((all, part) => all + (all.includes("?") ? "&" : "?") + part, url);
}

/** Reads window and document. `landing` is the address that the document was asked for. */
export function pages(landing: string) {
  let viewed = "";
  let referrer = document.referrer;
  let isFirst = true;

  /** `href` is where the call was made, if it was made before this script was there. In one document a view's referrer is the view
   * before it. */
  return (isView: boolean, href: string = location.href): Page => {
    const plain = href.replace(/#.*/, "");
    if (isView && viewed && viewed !== plain) referrer = viewed;
    if (isView) viewed = plain;
    const url = isFirst ? restored(plain, landing) : plain;
    isFirst = false;
    return { path: new URL(href).pathname, referrer, search: url.replace(/^[^?]*/, ""), title: document.title, url };
  };
}

export function landingNow(): string {
  const [navigation] = performance.getEntriesByType("navigation");
  return navigation?.name || location.href;
}

export function browserNow(): Fields {
  const { language, userAgent, webdriver } = navigator;
  const { width, height } = screen;
  // What no person's browser is like (docs/bots.md).
  const signs = [webdriver && "webdriver", !language && "languages", !(width && height) && "size"].filter(Boolean);
  return {
    library: { name: "stitchline-pixel", version: VERSION },
    locale: language,
    screen: { width, height, density: devicePixelRatio },
    ...(signs[0] && { signs }),
    timezone: timezone(),
    userAgent,
  };
}

/** Intl reads its data when it is first used: 20 ms of the page's main thread, where Temporal, if there is one, takes 0.2. */
function timezone(): string {
  const { Temporal } = window as { Temporal?: { Now: { timeZoneId(): string } } };
  return Temporal ? Temporal.Now.timeZoneId() : Intl.DateTimeFormat().resolvedOptions().timeZone;
}
