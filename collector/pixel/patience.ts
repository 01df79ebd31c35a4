// When to try again: after what the collector asked for, else later each time, and not all browsers at once. What the collector
// asked for holds for the site's other pages, too.

import type { Storage } from "./storage.ts";
import { type Answer, isTemporary } from "./transport.ts";

const PAUSE_MS_MIN = 1_000;
const PAUSE_MS_MAX = 60_000;
const ASKED_MS_MAX = 3_600_000;
const NAME = "stitchline.pause";

export type Patience = ReturnType<typeof patience>;

export function patience(storage: Storage, resume: () => void) {
  let timer = 0;
  let failures = 0;
  let wasAsked = false;

  const end = () => {
    clearTimeout(timer);
    timer = 0;
    resume();
  };
  const wait = (ms: number) => {
    timer = window.setTimeout(end, ms * (1 + Math.random() / 4));
  };

  return {
    /** What other pages were asked for. */
    start: () => {
      const ms = (storage.read<{ until: number }>(NAME).until || 0) - Date.now();
      wasAsked = ms > 0 && ms < ASKED_MS_MAX; // else the clock was set
      if (wasAsked) wait(ms);
    },
    settle: (answer: Answer) => {
      const { retryAfterS } = answer;
      if (!isTemporary(answer)) {
        failures = 0;
      } else if (!timer) {
        wasAsked = retryAfterS > 0;
        if (wasAsked) storage.write(NAME, { until: Date.now() + retryAfterS * 1_000 });
        wait(retryAfterS * 1_000 || Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** failures));
        failures++;
      }
    },
    isPaused: () => !!timer,
    isFailing: () => failures > 0,
    /** The network is back. */
    hurry: () => {
      if (!wasAsked) end();
    },
  };
}
