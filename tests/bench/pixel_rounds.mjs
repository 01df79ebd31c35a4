// Loads a page with each contender's script in turn, in a browser of its own each time, and writes what was measured as JSON.
//
// Standard input: {browser, rounds, slowdowns, contenders: {name: {folder, head, event}}}: `head` is what stands in the page's head
// (ORIGIN is the receiver's address), `event` what an event's address looks like; no head is a page without any script.
// Page and receiver are two origins on 127.0.0.1. The receiver answers as each one's own service would, as far as the first event
// needs it. Deliberately absent: what the figures mean (pixel.py).

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";

const EVENT_MS_MAX = 20_000;
const SETTLE_MS = 400; // for what is noted after the first event
const CATEGORIES = ["devtools.timeline", "v8", "v8.execute", "toplevel"];
const FIRST_RUN = ["EvaluateScript", "v8.compile", "v8.compileModule", "v8.evaluateModule"];
const SCRIPT = [...FIRST_RUN, "FunctionCall", "RunMicrotasks"];

const { browser: executablePath, rounds, slowdowns, contenders } = JSON.parse(await text(process.stdin));
const now = () => performance.timeOrigin + performance.now(); // as the page's clock counts

let arrived = () => {};
let loaded = new Map(); // scripts of this round: bytes compressed, by path

const listen = (answer) =>
  new Promise((ready) => {
    const server = createServer(answer).listen(0, "127.0.0.1", () => ready({ server, origin: `http://127.0.0.1:${server.address().port}` }));
  });

const receiver = await listen(async (request, reply) => {
  const { pathname } = new URL(request.url, "http://receiver");
  const body = request.method === "POST" ? await text(request) : "";
  arrived(pathname, body);
  const headers = { "Access-Control-Allow-Origin": request.headers.origin ?? "*", "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Headers": "content-type", "Cache-Control": "no-store" };
  const [, , name, ...path] = pathname.split("/");
  if (pathname.startsWith("/scripts/") && pathname.endsWith(".js")) {
    const content = await readFile(`${contenders[name].folder}/${path.join("/")}`).catch(() => undefined);
    if (content) loaded.set(pathname, gzipSync(content, { level: 9 }).length);
    return reply.writeHead(content ? 200 : 404, { ...headers, "Content-Type": "text/javascript" }).end(content);
  }
  reply.writeHead(200, { ...headers, "Content-Type": "application/json" }).end(JSON.stringify(told(pathname, body)));
});

/** The least that each one's service says before the first event. */
function told(pathname, body) {
  if (pathname.endsWith("/visitor")) return { anonymousId: JSON.parse(body).anonymousId };
  if (pathname.endsWith("/settings")) return { integrations: { "Segment.io": { apiKey: "key", apiHost: `${new URL(receiver.origin).host}/segment`, protocol: "http" } }, plan: {}, edgeFunction: {} };
  if (pathname.includes("/flags")) return { flags: {}, featureFlags: {}, featureFlagPayloads: {}, errorsWhileComputingFlags: false };
  return {};
}

let html = "";
const site = await listen((request, reply) => {
  if (request.url !== "/") return reply.writeHead(204).end();
  reply.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" }).end(html);
});

const filler = Array.from({ length: 60 }, (_, at) => `<p>Paragraph ${at} of a page like many others.</p>`).join("");
const pageOf = (head) => `<!doctype html><title>Shop</title><link rel=icon href=data:,>${head.replaceAll("ORIGIN", receiver.origin)}<h1>Shop</h1>${filler}`;

const NOTED = `new Promise((done) => {
  const found = { longtask: [], "layout-shift": [] };
  for (const type of Object.keys(found)) new PerformanceObserver((list) => found[type].push(...list.getEntries().map((entry) => entry.duration || entry.value))).observe({ type, buffered: true });
  setTimeout(() => done(found), 50);
})`;

async function round(browser, name, slowdown) {
  const { head, event } = contenders[name];
  html = pageOf(head);
  loaded = new Map();
  let requests = 0;
  const first = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${name}: no event in ${EVENT_MS_MAX} ms`)), head ? EVENT_MS_MAX : 2 ** 30);
    arrived = (pathname) => {
      requests += 1;
      if (event && new RegExp(event).test(pathname)) clearTimeout(late), resolve(now());
    };
    if (!head) clearTimeout(late), resolve(0);
  });
  const context = await browser.newContext({ userAgent });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  await browser.startTracing(page, { categories: CATEGORIES });
  await page.goto(`${site.origin}/`);
  const began = await page.evaluate("performance.timeOrigin");
  const at = await first;
  const asked = requests;
  await page.waitForTimeout(SETTLE_MS);
  const noted = await page.evaluate(NOTED);
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  await context.close();
  const gzip = [...loaded.values()].reduce((sum, bytes) => sum + bytes, 0);
  return { name, slowdown, firstMs: at ? at - began : 0, requests: asked, gzip, ...scripted(traceEvents), longTasks: noted.longtask.length, shift: noted["layout-shift"].reduce((sum, value) => sum + value, 0) };
}

/**
 * Milliseconds of the main thread: of the scripts' first run (parsed, compiled, run), and of all that they did until the end, with
 * the longest task; as time, and as CPU time, which what else the machine does changes less. A task in which a script of the
 * contender's ran counts with all script in it: what promises do has no address.
 */
function scripted(events) {
  const isOurs = ({ args: { data = {}, fileName } }) => (data.url ?? data.fileName ?? fileName ?? "").includes("/scripts/");
  const ran = events.filter(({ name, ph }) => ph === "X" && SCRIPT.includes(name));
  const main = ran.find((event) => FIRST_RUN.includes(event.name) && isOurs(event)); // its thread
  if (!main) return { evaluatedMs: 0, evaluatedCpuMs: 0, allMs: 0, allCpuMs: 0, longestCpuMs: 0 };
  const here = ran.filter(({ pid, tid }) => pid === main.pid && tid === main.tid);
  const sum = (chosen, start, length) => {
    let total = 0;
    let end = 0; // one inside another counts once
    for (const event of chosen.sort((a, b) => a[start] - b[start])) {
      const until = event[start] + event[length];
      total += Math.max(0, until - Math.max(event[start], end));
      end = Math.max(end, until);
    }
    return total / 1_000;
  };
  const tasks = events
    .filter(({ name, ph, pid, tid }) => name.endsWith("RunTask") && ph === "X" && pid === main.pid && tid === main.tid)
    .map(({ ts, dur }) => here.filter((event) => event.ts >= ts && event.ts + event.dur <= ts + dur))
    .filter((task) => task.some(isOurs));
  const first = here.filter((event) => FIRST_RUN.includes(event.name) && isOurs(event));
  const all = [...new Set(tasks.flat())];
  return {
    evaluatedMs: sum(first, "ts", "dur"),
    evaluatedCpuMs: sum(first, "tts", "tdur"),
    allMs: sum(all, "ts", "dur"),
    allCpuMs: sum(all, "tts", "tdur"),
    longestCpuMs: Math.max(0, ...tasks.map((task) => sum(task, "tts", "tdur"))),
  };
}

// As a person's: some of the scripts send nothing for a browser that says it is driven.
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-blink-features=AutomationControlled"] });
const userAgent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version().split(".")[0]}.0.0.0 Safari/537.36`;
const found = [];
const names = Object.keys(contenders);
for (const slowdown of slowdowns) await round(browser, names[0], slowdown); // the browser's own first steps
for (let at = 0; at < rounds; at++) {
  for (const slowdown of slowdowns) {
    for (const step of names.keys()) found.push(await round(browser, names[(step + at) % names.length], slowdown));
  }
}
await browser.close();
process.stdout.write(JSON.stringify(found));
site.server.close();
receiver.server.close();
