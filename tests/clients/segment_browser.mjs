// Drives @segment/analytics-next in Chromium: deliveries as JSON on standard input, one line; what went wrong as JSON on standard
// output. Each delivery is a page of its own, in a context of its own, so that no two share cookies, storage or preflights. The page
// has an origin that is not the collector's. The library tells nobody when an event has arrived: the browser's own answers are watched.
// An order with a `snippet` is that text as the site's script, instead of the calls.
import { createServer } from "node:http"
import { createInterface } from "node:readline"
import { build } from "esbuild"
import { chromium } from "playwright-core"

const ARRIVED_MS = 75_000
const START_MS = 60_000
const PATH = "/shop/cart?utm_source=letter&ref=7#basket"
const TITLE = "Cart – „Größe“ & more"

// What a site does: load the library from its package, with the collector as the place of its settings, then call it.
const PAGE = `
import { AnalyticsBrowser } from "@segment/analytics-next"

const spread = {
  identify: ({ userId, traits }, options) => (userId ? [userId, traits, options] : [traits, options]),
  track: ({ event, properties }, options) => [event, properties, options],
  page: ({ category, name, properties }, options) => [category ?? null, name, properties, options],
  screen: ({ category, name, properties }, options) => [category ?? null, name, properties, options],
  group: ({ groupId, traits }, options) => [groupId, traits, options],
  alias: ({ userId, previousId }, options) => [userId, previousId, options],
}

window.deliver = async ({ url, key, options, calls }) => {
  const analytics = AnalyticsBrowser.load({ writeKey: key, cdnURL: url }, options)
  analytics.setAnonymousId(calls[0].anonymousId)
  for (const { type, timestamp, context, integrations, ...call } of calls) {
    const given = { timestamp: timestamp && new Date(timestamp), context, integrations }
    const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value))
    await analytics[type](...spread[type](call, named))
  }
}
`

const errors = []

async function bundle(contents) {
  const entry = { contents, resolveDir: process.cwd(), loader: "js" }
  const built = await build({ stdin: entry, bundle: true, format: "iife", write: false, logLevel: "error" })
  return built.outputFiles[0].text
}

async function serve() {
  const html = `<!doctype html><meta charset="utf-8"><title>${TITLE.replace("&", "&amp;")}</title>`
  const server = createServer((_, response) =>
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html),
  )
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return server
}

function eventsOf(request) {
  const body = JSON.parse(request.postData())
  return body.batch ?? [body]
}

async function deliver(browser, site, script, order) {
  const context = await browser.newContext()
  const page = await context.newPage()
  const arrived = new Set()
  page.setDefaultTimeout(START_MS)
  page.on("pageerror", (error) => errors.push(String(error)))
  const all = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${order.key}: only ${arrived.size} events arrived`)), ARRIVED_MS).unref()
    page.on("response", (response) => {
      if (response.request().method() !== "POST" || response.status() !== 200) return
      for (const event of eventsOf(response.request())) arrived.add(event.messageId)
      if (arrived.size === order.calls.length) resolve()
    })
  })
  await page.goto(site + PATH, { referer: `${site}/shop/list` })
  if (order.snippet) await page.addScriptTag({ content: await bundle(order.snippet) })
  else {
    await page.addScriptTag({ content: script })
    await page.evaluate((given) => window.deliver(given), order)
  }
  await all
  await context.close()
}

async function run(orders) {
  const [server, script] = [await serve(), await bundle(PAGE)]
  const browser = await chromium.launch({
    timeout: START_MS,
    executablePath: process.argv[2],
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  })
  try {
    const site = `http://127.0.0.1:${server.address().port}`
    await Promise.all(orders.map((order) => deliver(browser, site, script, order)))
  } finally {
    await browser.close()
    server.close()
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  await run(JSON.parse(line))
  console.log(JSON.stringify(errors))
  break
}
process.stdin.destroy()
