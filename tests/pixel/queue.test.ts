// What waits, what goes together, and what is dropped.

import assert from "node:assert/strict";
import { test } from "node:test";
import { add, bytesOf, type Entry, next, seal } from "../../collector/pixel/queue.ts";

const entry = (id: string, more: Partial<Entry> = {}): Entry => ({ id, json: `{"messageId":"${id}"}`, ...more });
const ids = (entries: Entry[]) => entries.map(({ id }) => id).join("");

test("over the limit the oldest goes that is not being sent", () => {
  const queue = [entry("a", { flying: true }), entry("b")];
  add(queue, [entry("c"), entry("d")], 3);
  assert.equal(ids(queue), "acd");
});

test("a batch is full before it is too large, and one that alone is too large goes alone", () => {
  const one = bytesOf(entry("a").json) + 1;
  const queue = [entry("a", { flying: true }), entry("b"), entry("c"), entry("d")];
  assert.equal(ids(next(queue, 2 * one)), "bc");
  assert.equal(ids(next(queue, 1)), "b");
});

test("a body is JSON, and each event has the id that it was given", () => {
  const body = seal([entry("a", { anonymousId: 'x"y' }), entry("b")], "key", "lent", "2026-01-01T00:00:00.000Z");
  assert.deepEqual(JSON.parse(body), {
    writeKey: "key",
    anonymousId: "lent",
    sentAt: "2026-01-01T00:00:00.000Z",
    batch: [{ anonymousId: 'x"y', messageId: "a" }, { messageId: "b" }],
  });
});

test("bytes are counted, not characters", () => assert.equal(bytesOf("é😀"), 6));
