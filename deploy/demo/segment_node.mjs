// Sends through @segment/analytics-node as it is. Standard input: {host, writeKey} in the first line, then one call a line, as JSON.
// Writes "ok" when every event was accepted, else the first error.

import { createInterface } from "node:readline";
import { Analytics } from "@segment/analytics-node";

const EVENTS_PER_REQUEST = 100;
const FLUSH_MS = 200; // what is left at the end waits as long as this
const FLUSH_MS_MAX = 60_000;

const errors = [];
let analytics;

for await (const line of createInterface({ input: process.stdin })) {
  const { type, ...fields } = JSON.parse(line);
  if (!analytics) {
    analytics = new Analytics({ ...fields, flushAt: EVENTS_PER_REQUEST, flushInterval: FLUSH_MS });
    analytics.on("error", (error) => errors.push(String(error.reason ?? error.code)));
  } else {
    analytics[type]({ ...fields, timestamp: new Date(fields.timestamp) });
  }
}
await analytics?.closeAndFlush({ timeout: FLUSH_MS_MAX });
process.stdout.write(errors[0] ?? "ok");
