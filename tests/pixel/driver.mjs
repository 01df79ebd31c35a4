// A browser that is driven line by line: one JSON command in, one JSON answer out, in order.
// Hosts below *.example lead to this machine; the origins that are named on the command line count as secure, as https would.
// What a visitor does is real input: the mouse, its wheel and the keyboard, as the browser itself receives them.
// A context is a private window, in which Chromium blocks third-party cookies; a profile on disk allows them where it is told to.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [executablePath, ...secure] = process.argv.slice(2);
const options = {
  executablePath,
  args: [
    "--no-sandbox",
    "--mute-audio",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
    `--unsafely-treat-insecure-origin-as-secure=${secure.join(",")}`,
  ],
};
const WAIT_MS_MAX = 60_000; // for whatever a command waits for
const browser = await chromium.launch(options);
const contexts = []; // {context, requests}
const pages = []; // {page, errors, console}

const add = (list, one) => list.push(one) - 1;

/** What a page sees and sends of a visitor's wishes; Chromium has no switch of its own for them. */
const wishes = {
  gpc: { header: ["Sec-GPC", "1"], script: "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })" },
  dnt: { header: ["DNT", "1"], script: "Object.defineProperty(Navigator.prototype, 'doNotTrack', { get: () => '1' })" },
};

async function contextOf({ wishes: said, scripts, userAgent, viewport, javaScript, profile }) {
  const told = said.map((name) => wishes[name]);
  const own = {
    extraHTTPHeaders: Object.fromEntries(told.map(({ header }) => header)),
    ...(userAgent && { userAgent }),
    ...(viewport && { viewport: { width: viewport[0], height: viewport[1] } }),
    javaScriptEnabled: javaScript,
  };
  const context = profile ? await profileIn(profile, own) : await browser.newContext(own);
  context.setDefaultTimeout(WAIT_MS_MAX);
  for (const script of [...told.map(({ script }) => script), ...scripts]) await context.addInitScript(script);
  const number = add(contexts, { context, requests: [] });
  context.on("page", (page) => known(page, number));
  context.on("request", (request) => contexts[number].requests.push(logged(request)));
  return number;
}

/** A browser of its own, whose cookies and storage outlive it. */
function profileIn({ folder, thirdPartyCookies }, own) {
  const preferences = join(folder, "Default", "Preferences");
  if (!existsSync(preferences)) {
    mkdirSync(join(folder, "Default"), { recursive: true });
    writeFileSync(preferences, JSON.stringify({ profile: { cookie_controls_mode: thirdPartyCookies ? 0 : 1 } }));
  }
  return chromium.launchPersistentContext(folder, { ...options, ...own });
}

/** One line of a context's log. Its status is 0 until it is answered, and stays so where it never is; headers come with it. */
function logged(request) {
  const line = { method: request.method(), url: request.url(), kind: request.resourceType(), body: request.postData() ?? "", headers: {}, status: 0, failure: "" };
  const told = async () => {
    const reply = await request.response();
    if (reply) line.headers = await request.allHeaders(); // of what was never sent there are none to wait for
    line.status = reply?.status() ?? 0;
    line.failure = request.failure()?.errorText ?? "";
  };
  told().catch((error) => (line.failure ||= String(error))); // its page has gone
  return line;
}

/** As an ad blocker: a rule is {pattern, kinds, foreign}; empty kinds are all, `foreign` asks whose page it is. */
async function block({ context, rules }) {
  const read = rules.map((rule) => ({ ...rule, pattern: new RegExp(rule.pattern, "i") }));
  await contexts[context].context.route("**/*", (route, request) => {
    const kind = request.resourceType();
    const isForeign = () => siteOf(request.url()) !== siteOf(request.frame().url());
    const isHit = ({ pattern, kinds, foreign }) =>
      pattern.test(request.url()) && (!kinds.length || kinds.includes(kind)) && (!foreign || isForeign());
    return kind !== "document" && read.some(isHit) ? route.abort("blockedbyclient") : route.fallback();
  });
}

/** shop.example of www.shop.example:8080; enough of the Public Suffix List for hosts below .example. */
const siteOf = (url) => new URL(url).hostname.split(".").slice(-2).join(".");

/** A page gets its number once, whoever opened it. */
function known(page, context) {
  const there = pages.findIndex((one) => one.page === page);
  if (there >= 0) return there;
  const errors = [];
  const console = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    console.push(`${message.type()}: ${message.text()}`);
    if (message.type() === "error") errors.push(message.text());
  });
  return add(pages, { page, errors, console, context });
}

async function open(context) {
  return known(await contexts[context].context.newPage(), context);
}

const done = (promise) => promise.then(() => null);
const at = ({ page, frame }) => (frame ? pages[page].page.frames().find((one) => one.url().includes(frame)) : pages[page].page);

const ofContexts = {
  context: contextOf,
  block: (given) => done(block(given)),
  offline: ({ context, isOffline }) => done(contexts[context].context.setOffline(isOffline)),
  cookies: ({ context }) => contexts[context].context.cookies(),
  setCookies: ({ context, cookies }) => done(contexts[context].context.addCookies(cookies)),
  forget: ({ context }) => done(contexts[context].context.clearCookies()),
  requests: ({ context }) => contexts[context].requests,
  tabs: ({ context }) => contexts[context].context.pages().map((page) => known(page, context)),
  end: ({ context }) => done(contexts[context].context.close()),
};

const ofPages = {
  page: async ({ context, url }) => {
    const number = await open(context);
    if (url) await pages[number].page.goto(url);
    return number;
  },
  pages: async ({ context, urls }) => {
    const numbers = [];
    for (const _ of urls) numbers.push(await open(context));
    await Promise.all(urls.map((url, at) => pages[numbers[at]].page.goto(url)));
    return numbers;
  },
  goto: ({ page, url, referer }) => done(pages[page].page.goto(url, referer ? { referer } : {})),
  history: ({ page, direction }) => done(pages[page].page[direction]()), // goBack, goForward, reload
  run: (given) => at(given).evaluate(given.script),
  url: ({ page }) => pages[page].page.url(),
  errors: ({ page }) => pages[page].errors,
  console: ({ page }) => pages[page].console,
  close: ({ page }) => pages[page].page.close({ runBeforeUnload: false }),
  screenshot: ({ page, path, full }) => done(pages[page].page.screenshot({ path, fullPage: full })),
};

const ofHands = {
  click: (given) => done(at(given).click(given.selector, { button: given.button, modifiers: given.modifiers })),
  type: (given) => done(at(given).locator(given.selector).pressSequentially(given.text)),
  fill: (given) => done(at(given).fill(given.selector, given.text)),
  choose: (given) => done(at(given).selectOption(given.selector, given.value)),
  press: ({ page, key }) => done(pages[page].page.keyboard.press(key)),
  wheel: async ({ page, down }) => {
    const { mouse } = pages[page].page;
    await mouse.move(100, 100);
    await mouse.wheel(0, down);
    return null;
  },
  wait: (given) => done(at(given).waitForSelector(given.selector, { state: given.state })),
  waitUrl: ({ page, part }) => done(pages[page].page.waitForURL((url) => url.href.includes(part))),
};

// The page's own clock, for what takes minutes: installed before the page is opened, it stands still until it is moved.
const ofClocks = {
  stopClock: ({ context }) => done(contexts[context].context.clock.install()),
  moveClock: ({ context, ms }) => done(contexts[context].context.clock.runFor(ms)),
};

const commands = { ...ofContexts, ...ofPages, ...ofHands, ...ofClocks };

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ value: (await commands[command](given)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser.close();
