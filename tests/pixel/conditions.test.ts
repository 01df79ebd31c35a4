// Patterns, arrivals, addresses: what the automatic events decide without a page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { arrived } from "../../collector/pixel/arrivals.ts";
import { counts, type Definition, like, readable } from "../../collector/pixel/conditions.ts";
import { idIn, said, told } from "../../collector/pixel/handover.ts";
import { addressIn } from "../../collector/pixel/forms.ts";

interface Cases {
  cases: [pattern: string, path: string, counts: boolean][];
}

const { cases } = JSON.parse(readFileSync(new URL("./path_patterns.json", import.meta.url), "utf8")) as Cases;
const more = JSON.parse(process.env["PATH_PATTERNS"] || "[]") as Cases["cases"];

test("a path counts for a pattern exactly where the table says so", () => {
  for (const [pattern, path, wanted] of cases.concat(more)) {
    assert.equal(like(readable(pattern), readable(path)), wanted, `${pattern} for ${path}`);
  }
});

test("a pattern of many stars is decided at once", () => {
  const start = performance.now();
  assert.equal(like(`${"*a".repeat(200)}*b`, "a".repeat(5_000)), false);
  assert.ok(performance.now() - start < 1_000);
});

const page = (path: string, search = "") => ({ path, search, referrer: "", title: "", url: "" });
const on = (more: Partial<Definition>): Definition => ({ event: "Seen", on: "page", ...more });

test("pages, hosts and parameters must all be right, of each kind one is enough", () => {
  const there = (more: Partial<Definition>, search = "") => counts(on(more), page("/shop/", search), "www.shop.example");
  assert.ok(there({}));
  assert.ok(there({ pages: ["/blog", "/shop"] }));
  assert.ok(!there({ pages: ["/blog"] }));
  assert.ok(there({ hosts: ["shop.example", "*.shop.example"] }));
  assert.ok(!there({ hosts: ["shop.example"] }));
  assert.ok(there({ query: { ref: "a*", n: "*" } }, "?ref=x&ref=abc&n="));
  assert.ok(!there({ query: { ref: "a*", n: "*" } }, "?ref=abc"));
  assert.ok(!there({ pages: ["/shop"], hosts: ["x.example"] }));
});

test("an arrival is told by campaign, site or mail", () => {
  const mail = { marks: ["mc_eid"], media: ["email"], sources: ["newsletter"], hosts: ["mail.google.com", "mail.yandex.*"] };
  const cases: [Partial<Definition>, string, string, boolean][] = [
    [{ utm: { source: "news*", medium: "email" } }, "?utm_source=Newsletter&utm_medium=EMAIL", "", true],
    [{ utm: { source: "news*", medium: "email" } }, "?utm_source=newsletter", "", false],
    [{ referrer: "*.news.example" }, "", "www.news.example", true],
    [{ referrer: "*" }, "", "", false],
    [{ mail }, "?MC_EID=1", "", true],
    [{ mail }, "?mc_eid=", "", false],
    [{ mail }, "?utm_medium=email", "", true],
    [{ mail }, "?utm_source=newsletter", "", true],
    [{ mail }, "?utm_source=newsletter&utm_medium=cpc", "", false],
    [{ mail }, "", "mail.google.com", true],
    [{ mail }, "", "mail.yandex.ru", true],
    [{ mail }, "", "www.google.com", false],
    [{}, "?utm_source=a", "a.example", false],
  ];
  for (const [definition, search, referrer, wanted] of cases) {
    assert.equal(arrived(on({ on: "arrival", ...definition }), search, referrer), wanted, JSON.stringify([definition, search, referrer]));
  }
});

test("a visitor's name is believed for two minutes", () => {
  const now = Date.UTC(2026, 0, 2);
  assert.equal(idIn(said("a.b-c", now), now), "a.b-c");
  assert.equal(idIn(said("a", now), now + 119_000), "a");
  assert.equal(idIn(said("a", now), now + 122_000), "");
  assert.equal(idIn(said("a", now), now - 122_000), "");
  for (const wrong of ["", "a", ".a", "zzz.", "!!.a", said("x".repeat(256), now), `${said("a", now)}\n`.slice(1)]) assert.equal(idIn(wrong, now), "");
});

test("the parameter leaves an address, and nothing else does", () => {
  const cases = [
    ["https://a.example/p?_sl=1.x", "https://a.example/p"],
    ["https://a.example/p?_sl=1.x#top", "https://a.example/p#top"],
    ["https://a.example/p?_sl=1.x&b=%20+c", "https://a.example/p?b=%20+c"],
    ["https://a.example/p?a=1&_sl=1.x&b=2#?_sl", "https://a.example/p?a=1&b=2#?_sl"],
    ["https://a.example/p?a=1&_sl=1.x", "https://a.example/p?a=1"],
    ["https://a.example/p?_sl=1&_sl=2&a", "https://a.example/p?a"],
    ["https://a.example/p?a_sl=1&x_sl=2", "https://a.example/p?a_sl=1&x_sl=2"],
    ["https://a.example/p?", "https://a.example/p"],
  ];
  for (const [before, after] of cases) assert.equal(told(before as string), after);
  assert.equal(told("https://a.example/p?a=1&_sl=1.x#top", "2.é&"), "https://a.example/p?a=1&_sl=2.%C3%A9%26#top");
});

test("only what has the shape of an address is taken for one", () => {
  assert.equal(addressIn("  Ann@Shop.Example "), "ann@shop.example");
  for (const wrong of ["", "ann", "ann@shop", "@shop.example", "a b@shop.example", "ann@@shop.example", "ann@shop..example"]) assert.equal(addressIn(wrong), "");
});
