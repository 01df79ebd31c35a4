// What the pixel is told about its source: by the script's own first line (/pixel/WRITE_KEY.js has it), by the snippet, or by
// whoever loads the module. What is not said is the default. Pure: nothing of the page is read here.

import type { Fields } from "./event.ts";

/** As schemas/pixel/pixel_config.py makes it; what is default is left out. */
export interface Config {
  key: string;
  /** Paths of the site's own choice, on the script's origin; `parts` is the beginning of one. */
  paths?: { batch?: string; visitor?: string; parts?: string };
  /** Which version of its parts the source needs (parts.ts); absent: none. */
  parts?: string;
  /** Page views without a call. */
  pages?: boolean;
  /** Event definitions, in the compact form that automatic.ts evaluates. This and the next come with the parts. */
  events?: Fields[];
  /** Whether e-mails typed into marked forms identify, and how they are told. */
  emails?: "plain" | "sha256";
  /** The site's own other domains: links to them say who comes. */
  domains?: string[];
  /** Absent: nobody is asked. */
  consent?: { categories: string[]; needed: string; before?: "wait" | "cookieless" | "send"; denied?: "drop" | "cookieless" };
  /** What Global Privacy Control does; absent: cookieless. */
  gpc?: "cookieless" | "drop" | "ignore";
  /** What Do Not Track does; absent: nothing. */
  dnt?: "cookieless" | "drop" | "ignore";
  /** Nothing is kept in the browser, and no cookie is asked for. */
  cookieless?: boolean;
}

export const BATCH = "/v1/batch";
export const VISITOR = "/v1/visitor";
export const PARTS = "/v1/parts/";

/** The collector's address, from that of a script: one with a configuration may have any path on it. */
export function hostOf(script: string, isConfigured: boolean): string {
  return isConfigured ? script.replace(/^(\w+:\/\/[^/]*).*/, "$1") : script.replace(/\/[^/]*$/, "");
}
