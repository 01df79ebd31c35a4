// A browser that is driven line by line: one JSON command in, one JSON answer out, in order.
// Hosts below *.example lead to this machine; the origins that are named on the command line count as secure, as https would.

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [executablePath, ...secure] = process.argv.slice(2);
const options = {
  executablePath,
  args: [
    "--no-sandbox",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
    `--unsafely-treat-insecure-origin-as-secure=${secure.join(",")}`,
  ],
};
const browser = await chromium.launch(options);
const contexts = [];
const pages = [];

const add = (list, one) => list.push(one) - 1;

async function open(context) {
  const page = await contexts[context].newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  return add(pages, { page, errors });
}

const commands = {
  context: async () => add(contexts, await browser.newContext()),
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
  goto: ({ page, url }) => pages[page].page.goto(url).then(() => null),
  run: ({ page, script }) => pages[page].page.evaluate(script),
  errors: ({ page }) => pages[page].errors,
  close: ({ page }) => pages[page].page.close({ runBeforeUnload: false }),
  cookies: ({ context }) => contexts[context].cookies(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ value: (await commands[command](given)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser.close();
