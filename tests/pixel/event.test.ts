// From a call to an event: what stands where.

import assert from "node:assert/strict";
import { test } from "node:test";
import { alias, type Circumstances, group, idOf, identify, page, said, track } from "../../collector/pixel/event.ts";

const PAGE = { path: "/cart", referrer: "", search: "?a=1", title: "Cart", url: "https://shop.example/cart?a=1" };
const around: Circumstances = {
  page: PAGE,
  context: { locale: "en" },
  messageId: "m",
  timestamp: "2026-01-01T00:00:00.000Z",
  userId: undefined,
};

test("a track has its name, properties and circumstances", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(track(["Bought", { total: 1 }], around))), {
    type: "track",
    event: "Bought",
    properties: { total: 1 },
    messageId: "m",
    timestamp: "2026-01-01T00:00:00.000Z",
    context: { locale: "en", page: PAGE },
  });
});

test("a track without a name is none", () => {
  for (const name of [undefined, null, "", { a: 1 }]) assert.throws(() => track([name, { total: 1 }], around), /name/);
  assert.equal(track([404], around).event, "404");
});

test("a page knows its address, and what is said of it", () => {
  const cases: [unknown[], Record<string, unknown>, Record<string, unknown>][] = [
    [[], {}, {}],
    [["Cart"], { name: "Cart" }, { name: "Cart" }],
    [["Shop", "Cart"], { name: "Cart", category: "Shop" }, { name: "Cart", category: "Shop" }],
    [[{ items: 2 }], {}, { items: 2 }],
    [["Cart", { title: "Mine" }], { name: "Cart" }, { name: "Cart", title: "Mine" }],
    [[null, "Cart"], { name: "Cart" }, { name: "Cart" }],
  ];
  for (const [values, own, properties] of cases) {
    const { name, category, properties: found } = page(values, around);
    assert.deepEqual({ ...(name ? { name } : {}), ...(category ? { category } : {}) }, own);
    assert.deepEqual(found, { ...PAGE, ...properties });
  }
});

test("who somebody is said with and without an id", () => {
  const traits = { plan: "pro" };
  const options = { timestamp: "2025-05-05T00:00:00Z" };
  assert.deepEqual(said(["ann", traits, options]), ["ann", traits, options]);
  assert.deepEqual(said([traits, options]), [undefined, traits, options]);
  assert.deepEqual(said([null, traits]), [null, traits]);
});

test("identify and group tell what they were given as known", () => {
  const event = identify({ plan: "pro" }, undefined, { ...around, userId: "ann" });
  assert.deepEqual([event.type, event.userId, event.traits], ["identify", "ann", { plan: "pro" }]);
  const joined = group({ groupId: "g", traits: { size: 3 } }, { context: { ip: "x" } }, around);
  assert.deepEqual([joined.type, joined.groupId, joined.traits], ["group", "g", { size: 3 }]);
  assert.deepEqual(joined.context, { locale: "en", page: PAGE, ip: "x" });
});

test("alias joins a new id to the one that is said, the user's, or none yet", () => {
  const known = { ...around, userId: "old" };
  const cases: [unknown[], Circumstances, unknown][] = [
    [["new", "older"], known, "older"],
    [["new"], known, "old"],
    [["new", { context: {} }], known, "old"],
    [["new"], around, undefined],
  ];
  for (const [values, circumstances, previousId] of cases) {
    const event = alias(values, circumstances);
    assert.deepEqual([event.type, event.userId, event.previousId], ["alias", "new", previousId]);
  }
});

test("options add to the context and replace the time", () => {
  const options = { context: { campaign: { name: "x" } }, integrations: { All: false }, timestamp: "2025-05-05T00:00:00Z" };
  const event = track(["Bought", {}, options], around);
  assert.deepEqual(event.context, { locale: "en", page: PAGE, campaign: { name: "x" } });
  assert.deepEqual(event.integrations, { All: false });
  assert.equal(event.timestamp, "2025-05-05T00:00:00Z");
});

test("an id is text, and nothing else is one", () => {
  assert.deepEqual(["a", 7, 0, "", null, undefined, {}].map(idOf), ["a", "7", "0", undefined, undefined, undefined, undefined]);
});
