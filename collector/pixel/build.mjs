// Builds what is served: standard output is the script, or with "module" the npm package's.
//
// The parts call each other by names that say something; in the result these few, which are in no event, no storage and nothing of
// the browser's, are short. Absent: names of the configuration, of events and of what is stored: those are others' business, too.

import { build } from "esbuild";

const OURS = `
  admit anonymousIdNow beacon becomeReady charsMax choose entriesMax flying forget heard hurry isFailing isFree isPaused isUnsettled
  leave meet met merge mode outlives pump retryAfterS said save seek settle stamp stay still told unheard views`;

const isModule = process.argv[2] === "module";
const { outputFiles } = await build({
  entryPoints: [new URL(isModule ? "module.ts" : "index.ts", import.meta.url).pathname],
  bundle: true,
  minify: true,
  target: "es2018",
  format: isModule ? "esm" : "iife",
  charset: "utf8",
  mangleProps: new RegExp(`^(${OURS.trim().split(/\s+/).join("|")})$`),
  write: false,
});
process.stdout.write(outputFiles[0].contents);
