// What of the first address is taken up again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { restored } from "../../collector/pixel/page.ts";

const SHOP = "https://shop.example";

test("what says who comes, and from where, is taken up from the address that was asked for", () => {
  const landing = `${SHOP}/?_c=AVGF-_x&utm_source=mail&gclid=1&page=2&code=secret#top`;
  assert.equal(restored(`${SHOP}/home`, landing), `${SHOP}/home?_c=AVGF-_x&utm_source=mail&gclid=1`);
  assert.equal(restored(`${SHOP}/home?a=1`, landing), `${SHOP}/home?a=1&_c=AVGF-_x&utm_source=mail&gclid=1`);
});

test("what the address has is left as it is", () => {
  for (const url of [`${SHOP}/?_c=x`, `${SHOP}/?a=?b&_c=x&&`, `${SHOP}/?_c=y&z=%20`]) {
    assert.equal(restored(url, `${SHOP}/?_c=x`), url);
  }
  assert.equal(restored(`${SHOP}/a?`, `${SHOP}/?b=1#?_c=no`), `${SHOP}/a?`);
  assert.equal(restored(`${SHOP}/a`, ""), `${SHOP}/a`);
});
