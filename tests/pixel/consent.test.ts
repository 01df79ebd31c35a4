// Every combination of what the source says, what the visitor decided and what the browser signals.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../collector/pixel/config.ts";
import { type Choice, chosen, modeOf } from "../../collector/pixel/consent.ts";

const BEFORE = ["wait", "cookieless", "send"] as const;
const DENIED = ["drop", "cookieless"] as const;
const SIGNAL = [undefined, "cookieless", "drop", "ignore"] as const;
const BOTH = [false, true];
const YES: Choice = { analytics: true, marketing: false };
const NO: Choice = { analytics: false, marketing: true };

const asked = (before: (typeof BEFORE)[number], denied: (typeof DENIED)[number]): Config => ({
  key: "k",
  consent: { categories: ["analytics", "marketing"], needed: "analytics", before, denied },
});

test("without a signal the decision says what is done, and the source what happens without one", () => {
  for (const before of BEFORE)
    for (const denied of DENIED) {
      const config = asked(before, denied);
      const quiet = { gpc: false, dnt: false };
      assert.equal(modeOf(config, undefined, quiet), before);
      assert.equal(modeOf(config, YES, quiet), "send");
      assert.equal(modeOf(config, NO, quiet), denied);
    }
});

test("a signal only ever takes something away, and what it says is what the source lets it say", () => {
  for (const before of BEFORE)
    for (const denied of DENIED)
      for (const choice of [undefined, YES, NO])
        for (const gpc of SIGNAL)
          for (const dnt of SIGNAL)
            for (const hasGpc of BOTH)
              for (const hasDnt of BOTH) {
                const config: Config = { ...asked(before, denied), ...(gpc && { gpc }), ...(dnt && { dnt }) };
                const without = modeOf(config, choice, { gpc: false, dnt: false });
                const wishes = [hasGpc && (gpc || "cookieless"), hasDnt && dnt];
                const wanted = wishes.includes("drop") ? "drop" : without === "send" && wishes.includes("cookieless") ? "cookieless" : without;
                assert.equal(modeOf(config, choice, { gpc: hasGpc, dnt: hasDnt }), wanted);
              }
});

test("a source without cookies has none, whatever was decided", () => {
  const quiet = { gpc: false, dnt: false };
  assert.equal(modeOf({ key: "k", cookieless: true }, undefined, quiet), "cookieless");
  assert.equal(modeOf({ ...asked("wait", "drop"), cookieless: true }, YES, quiet), "cookieless");
  assert.equal(modeOf({ ...asked("wait", "drop"), cookieless: true }, NO, quiet), "drop");
  assert.equal(modeOf({ ...asked("wait", "drop"), cookieless: true }, undefined, quiet), "wait");
});

test("where nobody is asked, everything is sent until somebody refuses everything", () => {
  const quiet = { gpc: false, dnt: false };
  assert.equal(modeOf({ key: "k" }, undefined, quiet), "send");
  assert.equal(modeOf({ key: "k" }, { any: true, other: false }, quiet), "send");
  assert.equal(modeOf({ key: "k" }, { any: false }, quiet), "drop");
});

test("what is not told stays, what was never told is refused, and only true is a yes", () => {
  assert.deepEqual(chosen({ marketing: true }, undefined, ["analytics", "marketing"]), { analytics: false, marketing: true });
  assert.deepEqual(chosen({ marketing: false }, YES, ["analytics", "marketing"]), { analytics: true, marketing: false });
  assert.deepEqual(chosen({ analytics: "yes" }, undefined), { analytics: false });
  assert.equal(chosen(undefined, YES), undefined);
  assert.equal(chosen("granted", YES), undefined);
});
