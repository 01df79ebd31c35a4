// Events without code: called once, at the start, before the page's early calls.
//
// Domains come first, since what they take out of the address is told to nobody. Each part is safe from the others, and is served only
// where a definition needs it (index.ts says how that is marked).

import type { Api } from "./api.ts";
import { attempt } from "./attempt.ts";
import { arrived } from "./arrivals.ts";
import { counts, type Definition, isHostIn } from "./conditions.ts";
import type { Config } from "./config.ts";
import { safe } from "./dom.ts";
import { domains } from "./domains.ts";
import type { Fields, Page } from "./event.ts";
import { emails } from "./forms.ts";
import { properties } from "./properties.ts";
import { clicks, type Fire, submits } from "./triggers.ts";
import { media } from "./triggers_media.ts";
import { type Begin, depths, durations, sights } from "./triggers_view.ts";
import { here, views } from "./views.ts";

/*! if automatic */
export function automatic(config: Config, api: Api): void {
  const own = config.domains || [];
  /*! if domains */
  if (own.length) safe(domains)(own, api);
  /*! end */
  /*! if emails */
  safe(emails)(config.emails, api);
  /*! end */
  /*! if views */
  const definitions = ((config.events || []) as unknown as Definition[]).filter(isUsable);
  if (config.pages || definitions.length) safe(events)(config, definitions, api, own);
  /*! end */
}
/*! end */

/*! if views */
function events(config: Config, definitions: Definition[], api: Api, own: string[]): void {
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
    const page = here(referrer);
    make(definition, page, element || document.documentElement, more, { context: { page } });
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

  let told = 0;
  let isTold = false; // that it was an arrival
  views({
    began: (page) => {
      referrer = page.referrer;
      told = api.views();
      done.clear();
      for (const begin of begins) begin();
    },
    settled: (page, when, isLoaded) => {
      // Of the page that was loaded more is known than its address of now.
      const [said, options] = isLoaded ? [{}, { timestamp: when }] : [page, { timestamp: when, context: { page } }];
      if (config.pages && told === api.views()) api.page(said, options); // not beside a call of the site's own
      const views = of("page");
      /*! if arrival */
      const from = hostOf(page.referrer);
      if (!isTold && isNew()) views.push(...of("arrival").filter((one) => arrived(one, page.search, isOwn(from) ? "" : from)));
      isTold = true;
      /*! end */
      for (const definition of views) make(definition, page, document.documentElement, {}, options);
    },
  }, api.began);
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
