// What happens once in a view of a page: how far it was scrolled, that something came into view, for how long it was looked at.
// Each function returns what is to be called when a view begins. A mark that was reached on a page that is none of the
// definition's is not lost: it counts when the page is.

import type { Definition } from "./conditions.ts";
import { listen, safe } from "./dom.ts";
import type { Fire } from "./triggers.ts";

const SHORT_MS = 2_000; // what is seen without scrolling counts after so long: until then pages grow
const LOOK_MS = 200; // between two looks for elements that were added
const STEPS = [0, 0.05, 0.1, 0.25, 0.5]; // of an element's size: when the browser is to tell

export type Begin = (when: Date) => void;
type Marks = (definition: Definition, value: number) => boolean;

/*! if depth */
/** How much of the page has been above the window's lower edge, and how much there is. Where the document has nothing to scroll it is
 * the innermost element around the window's middle that scrolls, and fills half of the window's height. */
function extent(): [seen: number, whole: number] {
  const { scrollHeight } = document.documentElement;
  let one = scrollHeight > innerHeight ? null : document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  for (; one; one = one.parentElement) {
    const { scrollTop, clientHeight, scrollHeight } = one;
    const isMain = scrollHeight > clientHeight && clientHeight >= innerHeight / 2;
    if (isMain && /auto|scroll/.test(getComputedStyle(one).overflowY)) return [scrollTop + clientHeight, scrollHeight];
  }
  return [scrollY + innerHeight, scrollHeight];
}

/** Reading sizes is free in a frame that is about to be painted; there it happens, and once. */
export function depths(definitions: Definition[], fire: Fire, isDone: Marks): Begin {
  if (!definitions.length) return () => {};
  let isAsked = false;
  const measure = (isWhole: boolean) => {
    const [seen, whole] = extent();
    if (!isWhole && whole <= innerHeight) return; // nothing to scroll yet
    const percent = (100 * (seen + 1)) / whole; // browsers round positions
    for (const definition of definitions) {
      for (const at of definition.at || []) if (percent >= at && !isDone(definition, at)) fire(definition, undefined, { percent: at });
    }
  };
  const ask = () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(safe(() => {
      isAsked = false;
      measure(false);
    }));
  };
  let timer = 0;
  const settle = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => requestAnimationFrame(safe(() => measure(true))), SHORT_MS);
  };
  listen(window, "scroll", ask); // also of elements
  listen(window, "resize", ask);
  listen(window, "load", ({ target }) => target === document && settle());
  return () => document.readyState === "complete" && settle();
}
/*! end */

/*! if sight */
/** Half of the element, or of the window, must be filled by it. */
export function sights(definitions: Definition[], fire: Fire, isDone: Marks): Begin {
  if (!definitions.length) return () => {};
  const watch = new IntersectionObserver(safe((entries: IntersectionObserverEntry[]) => {
    for (const { target, intersectionRatio, intersectionRect, rootBounds } of entries) {
      if (intersectionRatio < 0.5 && intersectionRect.height < (rootBounds?.height || Infinity) / 2) continue;
      for (const definition of definitions) {
        if (target.matches(definition.selector as string) && !isDone(definition, 0)) fire(definition, target);
      }
    }
  }), { threshold: STEPS });
  const selector = definitions.map((definition) => definition.selector).join();
  const look = () => {
    timer = 0;
    for (const element of document.querySelectorAll(selector)) watch.observe(element); // twice is once
  };
  let timer = 0;
  const changes = new MutationObserver(() => (timer = timer || window.setTimeout(safe(look), LOOK_MS)));
  changes.observe(document, { childList: true, subtree: true });
  return () => {
    watch.disconnect();
    look();
  };
}
/*! end */

/*! if time */
/** Only while the page is visible. What a timer is late by was the machine's sleep. */
export function durations(definitions: Definition[], fire: Fire, isDone: Marks): Begin {
  if (!definitions.length) return () => {};
  let seen = 0; // ms
  let since = 0; // when this stretch began
  let length = 0; // and how long it may be
  let timer = 0;
  const stop = () => {
    if (timer) seen += Math.min(performance.now() - since, length);
    clearTimeout(timer);
    timer = 0;
  };
  const go = () => {
    stop();
    length = Infinity;
    for (const definition of definitions) {
      for (const seconds of definition.at || []) {
        const ahead = seconds * 1_000 - seen;
        if (ahead >= 1) length = Math.min(length, ahead); // timers know no fractions of a millisecond
        else if (!isDone(definition, seconds)) fire(definition, undefined, { seconds });
      }
    }
    if (length === Infinity || document.visibilityState === "hidden") return;
    since = performance.now();
    timer = window.setTimeout(safe(go), length);
  };
  listen(document, "visibilitychange", go);
  return (when) => {
    stop();
    seen = document.visibilityState === "hidden" ? 0 : Math.max(0, Date.now() - +when); // also before this script was there
    go();
  };
}
/*! end */
