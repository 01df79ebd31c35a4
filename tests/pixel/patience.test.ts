// When to try again.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Answer } from "../../collector/pixel/transport.ts";

Object.assign(globalThis, { window: globalThis });
const { patience } = await import("../../collector/pixel/patience.ts");

type Storage = Parameters<typeof patience>[0];

const answer = (status: number, retryAfterS = 0): Answer => ({ status, retryAfterS, text: "" });

/** A browser's storage, as far as it is used here. */
function memory(): Storage {
  const kept: Record<string, object> = {};
  return {
    read: <T>(name: string) => (kept[name] || {}) as Partial<T>,
    write: (name: string, value: object) => ((kept[name] = value), true),
  } as unknown as Storage;
}

function timed(act: () => void): void {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  try {
    act();
  } finally {
    mock.timers.reset();
  }
}

test("each pause is longer, up to a minute and a quarter", () =>
  timed(() => {
    let resumed = 0;
    const calm = patience(memory(), () => resumed++);
    for (const ms of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      calm.settle(answer(503));
      assert.equal(calm.isPaused(), true);
      mock.timers.tick(ms - 1);
      assert.equal(calm.isPaused(), true);
      mock.timers.tick(ms / 4 + 1);
      assert.equal(calm.isPaused(), false);
    }
    assert.equal(resumed, 8);
    assert.equal(calm.isFailing(), true);
    calm.settle(answer(200));
    assert.equal(calm.isFailing(), false);
  }));

test("what the collector asked for goes before that, and holds for other pages", () =>
  timed(() => {
    const storage = memory();
    const calm = patience(storage, () => undefined);
    calm.settle(answer(429, 300));
    calm.hurry(); // the network was not what failed
    mock.timers.tick(299_999);
    assert.equal(calm.isPaused(), true);
    mock.timers.tick(76_000);
    assert.equal(calm.isPaused(), false);
    calm.settle(answer(429, 300));
    const other = patience(storage, () => undefined);
    other.start();
    assert.equal(other.isPaused(), true);
  }));

test("a pause that only a wrong clock explains is none", () =>
  timed(() => {
    const storage = memory();
    for (const until of [Date.now() - 1, Date.now() + 9e9]) {
      storage.write("stitchline.pause", { until });
      const calm = patience(storage, () => undefined);
      calm.start();
      assert.equal(calm.isPaused(), false);
    }
  }));

test("the network's return ends a pause that nobody asked for", () =>
  timed(() => {
    let resumed = 0;
    const calm = patience(memory(), () => resumed++);
    calm.settle(answer(0));
    calm.hurry();
    assert.deepEqual([calm.isPaused(), resumed], [false, 1]);
  }));
