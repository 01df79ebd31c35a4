// The gate: what becomes of events, by what the visitor decided and what the browser signals.
//
// A decision holds at once, and in the site's other tabs too. It is remembered in storage under a name of its own, as answers by
// category and nothing else, unless whoever tells it keeps it ({remember: false}: consent managers do). Absent: asking the visitor.

import type { Gate, Mode } from "./api.ts";
import { attempt } from "./attempt.ts";
import type { Config } from "./config.ts";
import type { Fields } from "./event.ts";

const NAME = "stitchline.consent";

export type Choice = Record<string, boolean>;

export interface Signals {
  gpc: boolean;
  dnt: boolean;
}

/** Pure. A signal is never outweighed by a consent; without rules of the source, whoever refuses everything is left alone. */
export function modeOf(config: Config, choice: Choice | undefined, signals: Signals): Mode {
  const { consent, gpc = "cookieless", dnt, cookieless } = config;
  const wishes = [signals.gpc && gpc, signals.dnt && dnt];
  if (wishes.includes("drop")) return "drop";
  const { needed = "", before = consent ? "wait" : "send", denied = "drop" } = consent || {};
  const granted = choice && (needed ? choice[needed] : Object.values(choice).some(Boolean));
  const mode = !choice ? before : granted ? "send" : denied;
  return mode === "send" && (cookieless || wishes.includes("cookieless")) ? "cookieless" : mode;
}

/** Pure. What is not told stays as it was, and what was never told is refused. */
export function chosen(told: unknown, earlier: Choice | undefined, categories: string[] = []): Choice | undefined {
  if (typeof told !== "object" || !told) return undefined;
  const all: Choice = {};
  for (const name of categories) all[name] = false;
  for (const [name, answer] of Object.entries({ ...earlier, ...told })) all[name] = answer === true;
  return all;
}

/** For comparison alone; a page may have broken its JSON. */
const textOf = (choice: Choice | undefined) => choice && String(Object.entries(choice));

export function gateOf(config: Config, changed: () => void): Gate {
  const categories = config.consent?.categories;
  const { globalPrivacyControl, doNotTrack } = navigator as { globalPrivacyControl?: boolean; doNotTrack?: string | null };
  const signals = { gpc: !!globalPrivacyControl, dnt: doNotTrack === "1" };
  const stored = () => attempt(() => chosen(JSON.parse(localStorage.getItem(NAME) as string), undefined, categories));

  let choice = stored();
  const turn = (next: Choice | undefined) => {
    if (textOf(next) === textOf(choice)) return;
    choice = next;
    changed();
  };
  const listen = () => turn(stored() || choice);
  addEventListener("storage", listen); // another tab's decision
  addEventListener("pageshow", listen); // others went on while this page was put by

  return {
    mode: () => modeOf(config, choice, signals),
    stamp: () => choice && { categoryPreferences: choice },
    decide: ([told, options]) => {
      const next = chosen(told, choice, categories);
      // Where it is forbidden it holds for this page.
      attempt(() => {
        if (next && (options as Fields | undefined)?.remember !== false) localStorage.setItem(NAME, JSON.stringify(next));
        else localStorage.removeItem(NAME);
      });
      turn(next);
    },
  };
}
