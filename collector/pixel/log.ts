// What happens in a page, in order, for the parts that come after this script (parts.ts): views, and until the parts are there what
// visitors did. Absent: what an event is made of (automatic.ts).

import { listen, safe } from "./dom.ts";
import type { Page } from "./event.ts";
import { here } from "./views.ts";

/** Of the page as it was then. These names go from one script to another, maybe of another release: the build leaves them alone. */
export interface Happening {
  page: Page;
  when: Date;
  /** A view has begun, and its title may be the old one still; or all of it is known. Else somebody did something: */
  view?: "began" | "settled";
  /** The document was asked for under this address. */
  isLoaded?: boolean;
  event?: Event;
  /** What it went through; the event itself forgets it. */
  path?: EventTarget[];
}

export type Log = ReturnType<typeof logOf>;

const TYPES = ["click", "auxclick", "submit", "change", "playing"];
const KEPT_MAX = 100;

export function logOf() {
  let kept: Happening[] = [];
  let tell = (one: Happening): void => {
    if (kept.length < KEPT_MAX) kept.push(one);
  };
  const ends = TYPES.map((type) =>
    listen(window, type, (event) => tell({ event, path: event.composedPath(), page: here(""), when: new Date() })),
  );
  return {
    tell: (one: Happening): void => tell(one),
    /** All that has been, and from now on views alone: the parts listen for themselves. */
    follow: (heard: (one: Happening) => void): void => {
      for (const end of ends) end();
      tell = safe(heard);
      kept.forEach(tell);
      kept = [];
    },
  };
}
