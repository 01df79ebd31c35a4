// Drives @rudderstack/rudder-sdk-node: deliveries as JSON on standard input, one line; what went wrong as JSON on standard output.
import { createInterface } from "node:readline"
import RudderAnalytics from "@rudderstack/rudder-sdk-node"

const errors = []

async function deliver({ url, key, options, calls }) {
  const analytics = new RudderAnalytics(key, {
    dataPlaneUrl: url,
    logLevel: "none",
    errorHandler: (error) => errors.push(String(error)),
    ...options,
  })
  for (const { type, ...fields } of calls) {
    if (fields.timestamp) fields.timestamp = new Date(fields.timestamp)
    analytics[type](fields)
  }
  await analytics.flush() // the client sends its first event at once, alone
  await analytics.flush()
}

for await (const line of createInterface({ input: process.stdin })) {
  await Promise.all(JSON.parse(line).map(deliver))
  console.log(JSON.stringify(errors))
  break
}
process.stdin.destroy()
