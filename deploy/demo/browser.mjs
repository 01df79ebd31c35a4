// Makes visits in a real browser: pages of the shop with the documented snippet, and the calls that their code would make.
//
// Standard input: {browser, collector, writeKey} in the first line, then one visitor's calls a line, as JSON, in the order of time.
// Each visitor is a browser profile of its own, so that the pixel meets a stranger. Writes "ok" when every event was accepted;
// "no browser: …" when none could be started, before anything was sent; else the first error.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const ACCEPTED_MS_MAX = 90_000;
const EVENTS_HOST = "events.shop.example"; // of the shop's own site, so that the collector's cookie is a first-party one

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { browser: executablePath, collector, writeKey } = JSON.parse((await lines.next()).value);

const snippet = `<script>
!function(w,d,s,e){s=w.stitchline=w.stitchline||{};if(s.q)return;s.q=[];
"page track identify group alias reset ready setAnonymousId consent".split(" ").forEach(function(m){s[m]=function(){s.q.push([m,arguments,new Date,location.href])}});
e=d.createElement("script");e.async=1;e.src="http://${EVENTS_HOST}/pixel/${encodeURIComponent(writeKey)}.js";d.head.appendChild(e)}(window,document);
</script>`;

const shop = createServer((_, reply) => {
  reply.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer-when-downgrade" });
  reply.end(`<!doctype html><title>Shop</title><link rel="icon" href="data:,">${snippet}`);
});
await new Promise((listening) => shop.listen(0, "127.0.0.1", listening));

async function launch() {
  const hosts = { "shop.example": `127.0.0.1:${shop.address().port}`, [EVENTS_HOST]: new URL(collector).host };
  const rules = Object.entries(hosts).map(([host, address]) => `MAP ${host} ${address}`);
  const args = [`--host-resolver-rules=${rules.join(",")},MAP * ~NOTFOUND`, "--no-proxy-server"];
  args.push("--disable-blink-features=AutomationControlled"); // as a person's: a browser that says it is steered is a bot's
  return chromium.launch({ executablePath, args });
}

async function visit(browser, calls) {
  const context = await browser.newContext();
  context.setDefaultTimeout(ACCEPTED_MS_MAX);
  const accepted = new Set();
  let news = () => {};
  context.on("response", (response) => {
    const request = response.request();
    if (request.method() !== "POST" || !request.url().endsWith("/v1/batch") || response.status() !== 200) return;
    for (const { messageId } of JSON.parse(request.postData()).batch) accepted.add(messageId);
    news();
  });
  const all = (count) =>
    new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${accepted.size} of ${count} events were accepted in time`));
      const timer = setTimeout(late, ACCEPTED_MS_MAX);
      news = () => accepted.size >= count && (clearTimeout(timer), resolve());
      news();
    });
  const page = await context.newPage();
  for (const [made, call] of calls.entries()) {
    if (call.type === "page" || !made) {
      await all(made); // a visitor stays long enough on a page
      const { url, referrer } = call.context.page;
      await page.goto(url, { referer: referrer || undefined });
    }
    await page.evaluate(tell, call);
  }
  await all(calls.length);
  await context.close();
}

/** Runs in the page, and does what the shop's own code would. The times are those of the made traffic. */
function tell({ type, name, event, properties = {}, userId, traits = {}, timestamp }) {
  const options = { timestamp };
  if (type === "page") stitchline.page(name, properties, options);
  else if (type === "track") stitchline.track(event, properties, options);
  else if (userId) stitchline.identify(userId, traits, options);
  else stitchline.identify(traits, options);
}

async function main() {
  let browser;
  try {
    browser = await launch();
  } catch (error) {
    return `no browser: ${String(error).split("\n")[0]}`;
  }
  try {
    const visits = [];
    for await (const line of lines) visits.push(visit(browser, JSON.parse(line)));
    await Promise.all(visits);
    return "ok";
  } catch (error) {
    return String(error);
  } finally {
    await browser.close();
  }
}

process.stdout.write(await main());
shop.close();
