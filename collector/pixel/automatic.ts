// Events without code: called once, at the start, before the page's early calls.
//
// Domains come first, since what they take out of the address is told to nobody. Each part is safe from the others.

import type { Api } from "./api.ts";
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
import { depths, durations, sights } from "./triggers_view.ts";
import { here, views } from "./views.ts";

export function automatic(config: Config, api: Api): void {
  const own = config.domains || [];
  if (own.length) safe(domains)(own, api);
  safe(emails)(config.emails, api);
  const definitions = ((config.events || []) as unknown as Definition[]).filter(isUsable);
  if (config.pages || definitions.length) safe(events)(config, definitions, api);
}

function events(config: Config, definitions: Definition[], api: Api): void {
  const of = (on: Definition["on"]) => definitions.filter((definition) => definition.on === on);
  const isOwn = (host: string) => host === location.hostname || isHostIn(config.domains || [], host);

  const make = (definition: Definition, page: Page, element: Element, more?: Fields, options?: Fields) =>
    counts(definition, page, location.hostname) &&
    api.track(definition.event, { ...more, ...properties(definition, element, page) }, options);
  let referrer = document.referrer;
  const fire: Fire = (definition, element, more) => {
    const page = here(referrer);
    make(definition, page, element || document.documentElement, more, { context: { page } });
  };

  clicks(of("click"), fire, isOwn);
  submits(of("submit"), fire);
  media(of("media"), fire);

  const done = new Map<Definition, Set<number>>(); // in this view
  const isDone = (definition: Definition, mark: number) => {
    const marks = done.get(definition) || new Set();
    done.set(definition, marks);
    return marks.has(mark) || !counts(definition, here(""), location.hostname) || !marks.add(mark);
  };
  const [seen, deep] = [of("scroll").filter(({ selector }) => selector), of("scroll").filter(({ selector }) => !selector)];
  const begins = [depths(deep, fire, isDone), sights(seen, fire, isDone), durations(of("time"), fire, isDone)];

  let told = 0;
  const arrivals = isNew() ? of("arrival") : [];
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
      const from = hostOf(page.referrer);
      const reasons = arrivals.splice(0).filter((one) => arrived(one, page.search, isOwn(from) ? "" : from));
      for (const definition of of("page").concat(reasons)) make(definition, page, document.documentElement, {}, options);
    },
  }, api.began);
}

/** Going back to a page, or loading it again, is no arrival. */
function isNew(): boolean {
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return !/reload|back/.test(entry?.type || "");
}

function hostOf(url: string): string {
  try {
    return new URL(url).hostname;
  } catch {
    return ""; // none
  }
}

/** A selector that this browser does not know is told, and its event never fires. */
function isUsable({ event, selector, properties: wanted = {} }: Definition): boolean {
  const takens = Object.keys(wanted).map((name) => wanted[name]);
  const selectors = [selector, ...takens.map((taken) => typeof taken === "object" && taken.of)];
  try {
    for (const one of selectors) if (one) document.createDocumentFragment().querySelector(one);
    return true;
  } catch (error) {
    console.warn(`stitchline: ${event}:`, error);
    return false;
  }
}
