// Drives @segment/analytics-node: deliveries as JSON on standard input, one line; what went wrong as JSON on standard output.
import { createInterface } from "node:readline"
import { Analytics } from "@segment/analytics-node"

const errors = []

async function deliver({ url, key, options, calls }) {
  const analytics = new Analytics({ writeKey: key, host: url, ...options })
  analytics.on("error", (error) => errors.push(String(error.reason ?? error.code)))
  for (const { type, ...fields } of calls) {
    if (fields.timestamp) fields.timestamp = new Date(fields.timestamp)
    analytics[type](fields)
  }
  await analytics.closeAndFlush()
}

for await (const line of createInterface({ input: process.stdin })) {
  await Promise.all(JSON.parse(line).map(deliver))
  console.log(JSON.stringify(errors))
  break
}
process.stdin.destroy()
