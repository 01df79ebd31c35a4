// JSON on pages that changed what arrays and texts are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { textOf } from "../../collector/pixel/json.ts";

const old = { value: () => "spoilt", configurable: true, writable: true };

test("a toJSON that a page gave to everything changes nothing, and is there afterwards", () => {
  const prototypes = [Array.prototype, String.prototype];
  for (const prototype of prototypes) Object.defineProperty(prototype, "toJSON", old);
  try {
    assert.equal(textOf({ list: [1, ["a"]], text: "b" }), '{"list":[1,["a"]],"text":"b"}');
    assert.deepEqual(prototypes.map((prototype) => Object.hasOwn(prototype, "toJSON")), [true, true]);
    assert.throws(() => textOf({ toJSON: () => { throw new Error("of the page"); } }), /of the page/);
    assert.equal(Object.hasOwn(Array.prototype, "toJSON"), true);
  } finally {
    for (const prototype of prototypes) Reflect.deleteProperty(prototype, "toJSON");
  }
});

test("a toJSON of the language's own stays", () => {
  assert.equal(textOf({ list: [1], when: new Date(0) }), '{"list":[1],"when":"1970-01-01T00:00:00.000Z"}');
});
