// Event definitions as the collector serves them, and on which pages they count. Pure.
// Absent: what makes an event happen (triggers*.ts).

import { attempt } from "./attempt.ts";
import type { Page } from "./event.ts";

type Patterns = Record<string, string>;

/** As schemas/pixel/pixel_events.py makes it; what is default is left out. In patterns * stands for anything. */
export interface Definition {
  event: string;
  on: "page" | "click" | "submit" | "scroll" | "time" | "media" | "arrival";
  selector?: string;
  outbound?: boolean;
  /** Percents or seconds. */
  at?: number[];
  utm?: Patterns;
  referrer?: string;
  mail?: Mail;
  pages?: string[];
  hosts?: string[];
  query?: Patterns;
  properties?: Record<string, string | number | boolean | Taken>;
}

/** By what an address, or the page before, tells that somebody came out of an e-mail. */
export interface Mail {
  marks: string[];
  media: string[];
  sources: string[];
  hosts: string[];
}

/** Where a property is taken from when the event happens. */
export interface Taken {
  attribute?: string;
  text?: true;
  field?: string;
  page?: "title" | "path" | "url" | "referrer" | "host";
  query?: string;
  meta?: string;
  of?: string;
  as?: "number";
}

/*! if views domains */
/** Each part between stars at the first place where it can stand: no pattern takes long. */
export function like(pattern: string, text: string): boolean {
  const [first = "", ...parts] = pattern.split("*");
  const last = parts.pop();
  if (last === undefined) return pattern === text;
  let at = text.startsWith(first) ? first.length : -1;
  for (const part of parts) {
    const found = at < 0 ? -1 : text.indexOf(part, at);
    at = found < 0 ? -1 : found + part.length;
  }
  return at >= 0 && text.length - last.length >= at && text.endsWith(last);
}

/** Of any host: itself, and with *. all below it. */
export const isHostIn = (patterns: string[], host: string): boolean => patterns.some((pattern) => like(pattern, host));
/*! end */

/*! if pages */
/** Letters as people write them, and no slash at the end, in paths and in patterns alike. */
export function readable(path: string): string {
  const text = attempt(() => decodeURIComponent(path)) || path; // a percent sign that encodes nothing
  return text.replace(/(?!^)\/+$/, "");
}
/*! end */

/*! if views */
export function counts(definition: Definition, page: Page, host: string): boolean {
  const { pages, hosts, query } = definition;
  /*! if query */
  if (query && !fits(query, (name) => new URLSearchParams(page.search).getAll(name))) return false;
  /*! end */
  /*! if pages */
  const path = readable(page.path);
  if (pages && !pages.some((pattern) => like(readable(pattern), path))) return false;
  /*! end */
  return !hosts || isHostIn(hosts, host);
}
/*! end */

/*! if query arrival */
/** Whether each of the patterns is fulfilled by one of the values of its name. */
export const fits = (patterns: Patterns, values: (name: string) => string[]): boolean =>
  Object.keys(patterns).every((name) => values(name).some((value) => like(patterns[name] as string, value)));
/*! end */
