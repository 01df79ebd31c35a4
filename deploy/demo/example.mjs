// Visits the example shop (deploy/examples/shop) in a real browser, as people do: with the mouse and the keyboard.
//
// Standard input: {browser, shop, collector}: the ports of the two. Writes {accepted, refused, devices, order} as JSON: the message ids
// that the collector took, requests of the one who said no, who was on which device, and the order's number; {none: why} when no
// browser could be started, before anything was sent.

import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const WAIT_MS_MAX = 90_000;
const SHOP = "http://shop.localhost";
const ANN = { email: "ann@shop.example", name: "Ann", street: "Hill 1", city: "1000 Town" };

const { browser: executablePath, shop, collector } = JSON.parse(await text(process.stdin));
const accepted = [];
const calls = []; // of all visitors, with whose they were

async function launch() {
  const hosts = { "shop.localhost": shop, "outlet.localhost": shop, "events.shop.localhost": collector };
  const rules = Object.entries(hosts).map(([host, port]) => `MAP ${host} 127.0.0.1:${port}`);
  return chromium.launch({ executablePath, args: [`--host-resolver-rules=${rules.join(",")},MAP * ~NOTFOUND`, "--no-proxy-server", "--disable-blink-features=AutomationControlled"] });
}

/** A browser profile of its own; `end` waits until everything that it began to send was answered. */
async function visitor(browser, who) {
  const version = browser.version().split(".")[0];
  // As a person's: visits of a browser that says it is driven count as a robot's.
  const userAgent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;
  const context = await browser.newContext({ userAgent });
  context.setDefaultTimeout(WAIT_MS_MAX);
  const open = new Set(); // of one request a response and a failure may both be told, when its page goes as the answer comes
  // The second script comes from there too, and is no call.
  const isCall = (request) => request.url().includes("/v1/") && request.resourceType() !== "script";
  context.on("request", (request) => isCall(request) && (open.add(request), calls.push({ who, url: request.url() })));
  context.on("requestfailed", (request) => open.delete(request));
  context.on("response", (response) => {
    const request = response.request();
    open.delete(request);
    if (!isCall(request) || !request.url().endsWith("/v1/batch") || response.status() !== 200) return;
    accepted.push(...JSON.parse(request.postData() ?? '{"batch":[]}').batch.map(({ messageId }) => messageId));
  });
  const page = await context.newPage();
  const end = async () => {
    const late = Date.now() + WAIT_MS_MAX;
    for (let quiet = 0; quiet < 5; quiet = open.size ? 0 : quiet + 1) {
      if (Date.now() > late) throw new Error(`not answered in time: ${[...open].map((request) => request.url()).join(", ")}`);
      await page.waitForTimeout(100);
    }
    await context.close();
  };
  return { page, end };
}

const answer = async (page, said) => {
  await page.waitForFunction(() => window.stitchline?.version); // of a page that may still be on its way
  await page.click(`[data-consent=${said}]`);
};

const device = (page) => page.evaluate(() => new Promise((done) => window.stitchline.ready(({ anonymousId }) => done(anonymousId))));

async function buys(page) {
  await page.click("[data-sku=P-200] a");
  await page.selectOption("#quantity", "2");
  await page.click(".add button");
  await page.click(".said a");
  await page.fill("#coupon", "leaf10");
  await page.press("#coupon", "Enter");
  await page.waitForSelector("tfoot tr:nth-child(3)");
  await page.click("main a.button");
  for (const [name, value] of Object.entries(ANN)) await page.fill(`#checkout [name=${name}]`, value);
  await page.click("#checkout button");
  return page.textContent("#order");
}

async function annAtTheLaptop(browser) {
  const { page, end } = await visitor(browser, "ann");
  await page.goto(`${SHOP}/`);
  await answer(page, "all");
  const order = await buys(page);
  await page.click("#account-link");
  await page.fill("#new-name", ANN.name);
  await page.fill("#new-email", ANN.email);
  await page.click("#sign-up button");
  await page.waitForSelector("#sign-out");
  await page.fill("#newsletter-email", ANN.email);
  await page.click("#newsletter button");
  await page.goto(`${SHOP}/letter`);
  const mail = await page.getAttribute("#mail-link", "href");
  await page.click(".outlet-link");
  await answer(page, "all");
  const id = await device(page);
  await end();
  return { order, mail, id };
}

/** Another browser, which knows nothing of the first but the link in the mail. */
async function annAtThePhone(browser, mail) {
  const { page, end } = await visitor(browser, "ann");
  await page.goto(mail);
  await answer(page, "all");
  await page.click("[data-sku=T-100] a");
  await page.waitForSelector(".add");
  const id = await device(page);
  await end();
  return id;
}

async function carl(browser) {
  const { page, end } = await visitor(browser, "carl");
  await page.goto(`${SHOP}/`);
  await answer(page, "analytics");
  await page.click("[data-sku=T-101] a");
  await page.click(".add button");
  await page.click("[data-wish]");
  const id = await device(page);
  await end();
  return id;
}

async function whoSaysNo(browser) {
  const { page, end } = await visitor(browser, "no");
  await page.goto(`${SHOP}/`);
  await answer(page, "none");
  await page.click("[data-sku=T-102] a");
  await page.click(".add button");
  await end();
}

async function main() {
  let browser;
  try {
    browser = await launch();
  } catch (error) {
    return { none: String(error).split("\n")[0] };
  }
  try {
    const [ann, other] = await Promise.all([annAtTheLaptop(browser), carl(browser), whoSaysNo(browser)]);
    const phone = await annAtThePhone(browser, ann.mail);
    const refused = calls.filter(({ who }) => who === "no").length;
    return { accepted, refused, devices: { ann: [ann.id, phone], carl: [other] }, order: ann.order };
  } finally {
    await browser.close();
  }
}

process.stdout.write(JSON.stringify(await main()));
