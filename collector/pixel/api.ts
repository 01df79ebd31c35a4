// What the modules of the pixel know of each other: types alone.

import type { Config } from "./config.ts";
import type { Fields } from "./event.ts";
import type { Log } from "./log.ts";

type Call = (...values: unknown[]) => void;

/**
 * What becomes of an event that is made now, and what may be kept in the browser:
 * send: all of it · cookieless: it is sent without ids, nothing is kept or read, no cookie is asked for ·
 * wait: it stays in this page's memory until the mode is another, nothing is kept or read · drop: it is destroyed, and so is what waits.
 */
export type Mode = "send" | "cookieless" | "wait" | "drop";

/** consent.ts; it calls what it was given as `changed` after each change of the mode or of the stamp. */
export interface Gate {
  mode(): Mode;
  /** For `context.consent` of events that are sent now; undefined where nothing is to be said. */
  stamp(): Fields | undefined;
  /** The page's call stitchline.consent(…). */
  decide(values: unknown[]): void;
}

/** For the parts: the calls as the page makes them, none of which throws. As with happenings, the build leaves these names alone. */
export interface Api {
  track: Call;
  identify: Call;
  /** What this browser is called, as far as it is known yet; "" while nothing may be kept or read. */
  anonymousId(): string;
  follow: Log["follow"];
}

/** The second script (parts.ts); by default it has the rest of the configuration. */
export interface Parts {
  automatic(config: Config, api: Api): void;
  default?: Partial<Config>;
}
