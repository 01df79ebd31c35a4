// What waits, what goes together, and what is dropped.

import assert from "node:assert/strict";
import { test } from "node:test";
import { add, bytesOf, type Entry, next, seal, verdict } from "../../collector/pixel/queue.ts";

const entry = (id: string, more: Partial<Entry> = {}): Entry => ({ id, json: `{"messageId":"${id}"}`, ...more });
const ids = (entries: Entry[]) => entries.map(({ id }) => id).join("");

test("over the limit the oldest goes that is not being sent", () => {
  const queue = [entry("a", { flying: true }), entry("b")];
  const told: string[] = [];
  (queue[1] as Entry).told = () => told.push("b");
  add(queue, [entry("c"), entry("d")], { entriesMax: 3, charsMax: 1_000 });
  assert.equal(ids(queue), "acd");
  assert.deepEqual(told, ["b"]);
  add(queue, [entry("e")], { entriesMax: 9, charsMax: 2 * entry("a").json.length });
  assert.equal(ids(queue), "ae");
});

test("a batch is full before it is too large, and one that alone is too large goes alone", () => {
  const one = bytesOf(entry("a").json) + 1;
  const queue = [entry("a", { flying: true }), entry("b"), entry("c"), entry("d")];
  assert.equal(ids(next(queue, 2 * one, 9)), "bc");
  assert.equal(ids(next(queue, 1, 9)), "b");
  assert.equal(ids(next(queue, 9 * one, 1)), "b");
});

test("what goes without cookies goes by itself", () => {
  const queue = [entry("a"), entry("b"), entry("c", { bare: true }), entry("d", { bare: true }), entry("e")];
  const gone: string[] = [];
  while (queue.length) gone.push(ids(queue.splice(0, next(queue, 1_000, 9).length)));
  assert.deepEqual(gone, ["ab", "cd", "e"]);
});

test("an alias is of the browser's id where nothing else is named", () => {
  const body = seal([entry("a", { anonymousId: "x", names: true }), entry("b", { names: true })], "key", undefined, "now");
  assert.deepEqual(JSON.parse(body), {
    writeKey: "key",
    sentAt: "now",
    batch: [{ anonymousId: "x", previousId: "x", messageId: "a" }, { messageId: "b" }],
  });
});

test("an answer settles events, puts them off, or says that one of them is bad", () => {
  const [one, two] = [[entry("a")], [entry("a"), entry("b")]];
  for (const status of [200, 204, 401, 403, 404]) assert.equal(verdict(status, two), "done");
  for (const status of [0, 408, 429, 502, 503, 504]) assert.equal(verdict(status, two), "later");
  for (const status of [400, 413, 500]) assert.equal(verdict(status, two), "halve");
  for (const status of [400, 413]) assert.equal(verdict(status, one), "done");
  assert.equal(verdict(500, one), "last");
  assert.equal(verdict(500, [entry("a", { tries: 20 })]), "done");
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
