// Events without code: called once, by the first script, which has told the page views meanwhile. What happened before is told to each
// part as if it happened now (log.ts), with its own time and page.
//
// Each part is safe from the others, and is served only where a definition needs it (parts.ts says how that is marked).

import type { Api } from "./api.ts";
import { attempt } from "./attempt.ts";
import { arrived } from "./arrivals.ts";
import { counts, type Definition, isHostIn } from "./conditions.ts";
import type { Config } from "./config.ts";
import { safe } from "./dom.ts";
import { domains } from "./domains.ts";
import type { Fields, Page } from "./event.ts";
import { emails } from "./forms.ts";
import { hearAgain } from "./hearing.ts";
import type { Happening } from "./log.ts";
import { properties } from "./properties.ts";
import { clicks, type Fire, submits } from "./triggers.ts";
import { media } from "./triggers_media.ts";
import { type Begin, depths, durations, sights } from "./triggers_view.ts";
import { here } from "./views.ts";

/*! if automatic */
export function automatic(config: Config, api: Api): void {
  const own = config.domains || [];
  /*! if domains */
  if (own.length) safe(domains)(own, api);
  /*! end */
  /*! if emails */
  safe(emails)(config.emails, api);
  /*! end */
  let viewed: Told = () => undefined;
  /*! if views */
  const definitions = ((config.events || []) as unknown as Definition[]).filter(isUsable);
  safe(() => (viewed = events(definitions, api, own)))();
  /*! end */
  api.follow((one) => {
    past = one;
    if (one.view) safe(viewed)(one);
    else hearAgain(one);
    past = undefined;
  });
}

type Told = (one: Happening) => void;

let past: Happening | undefined; // what is told just now
/*! end */

/*! if views */
function events(definitions: Definition[], api: Api, own: string[]): Told {
  const of = (on: Definition["on"]) => definitions.filter((definition) => definition.on === on);
  const isOwn = (host: string) => host === location.hostname || isHostIn(own, host);

  const make = (definition: Definition, page: Page, element: Element, more?: Fields, options?: Fields) => {
    if (!counts(definition, page, location.hostname)) return;
    let said = more;
    /*! if properties */
    said = { ...more, ...properties(definition, element, page) };
    /*! end */
    api.track(definition.event, said, options);
  };
  let referrer = document.referrer;
  const fire: Fire = (definition, element, more) => {
    const page = past ? { ...past.page, referrer } : here(referrer);
    make(definition, page, element || document.documentElement, more, { context: { page }, timestamp: past?.when });
  };

  /*! if click */
  clicks(of("click"), fire, isOwn);
  /*! end */
  /*! if submit */
  submits(of("submit"), fire);
  /*! end */
  /*! if media */
  media(of("media"), fire);
  /*! end */

  const done = new Map<Definition, Set<number>>(); // in this view
  const isDone = (definition: Definition, mark: number) => {
    const marks = done.get(definition) || new Set();
    done.set(definition, marks);
    return marks.has(mark) || !counts(definition, here(""), location.hostname) || !marks.add(mark);
  };
  const begins: Begin[] = [];
  /*! if depth */
  begins.push(depths(of("scroll").filter(({ selector }) => !selector), fire, isDone));
  /*! end */
  /*! if sight */
  begins.push(sights(of("scroll").filter(({ selector }) => selector), fire, isDone));
  /*! end */
  /*! if time */
  begins.push(durations(of("time"), fire, isDone));
  /*! end */

  let isArrived = false;
  return ({ view, page, when, isLoaded }) => {
    referrer = page.referrer;
    if (view === "began") {
      done.clear();
      for (const begin of begins) begin(when);
      return;
    }
    const seen = of("page");
    /*! if arrival */
    const from = hostOf(referrer);
    if (!isArrived && isNew()) seen.push(...of("arrival").filter((one) => arrived(one, page.search, isOwn(from) ? "" : from)));
    isArrived = true;
    /*! end */
    // Of the page that was loaded more is known than its address of now.
    const options = isLoaded && here("").url === page.url ? { timestamp: when } : { timestamp: when, context: { page } };
    for (const definition of seen) make(definition, page, document.documentElement, {}, options);
  };
}

/*! end */

/*! if arrival */
/** Going back to a page, or loading it again, is no arrival. */
function isNew(): boolean {
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return !/reload|back/.test(entry?.type || "");
}

const hostOf = (url: string): string => attempt(() => new URL(url).hostname) || ""; // none

/*! end */

/*! if views */
/** A selector that this browser does not know is told, and its event never fires. */
function isUsable({ event, selector, properties: wanted = {} }: Definition): boolean {
  const selectors = [selector, ...Object.values(wanted).map((taken) => typeof taken === "object" && taken.of)];
  try {
    for (const one of selectors) if (one) document.createDocumentFragment().querySelector(one);
    return true;
  } catch (error) {
    console.warn(`stitchline: ${event}:`, error);
    return false;
  }
}
/*! end */
