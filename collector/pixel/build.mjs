// Builds what is served: standard output is the script, with "module" the npm package's, with "parts" how large each part is.
//
// The parts call each other by names that say something; in the result these few, which are in no event, no storage and nothing of
// the browser's, are short. What two scripts call each other by is long in both (api.ts). Absent: names of the configuration, of events
// and of what is stored: those are others' business, too.

import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const OURS = `
  admit anonymousIdNow beacon becomeReady charsMax choose entriesMax flying forget heard hurry isFailing isFree isPaused isUnsettled
  leave meet met merge mode outlives pump retryAfterS said save seek settle stamp stay still told unheard`;
const ENTRIES = { script: "index.ts", automatic: "automatic_root.ts", module: "module.ts" };

const what = ENTRIES[process.argv[2]] ? process.argv[2] : "script";
const { outputFiles, metafile } = await build({
  entryPoints: [new URL(ENTRIES[what], import.meta.url).pathname],
  bundle: true,
  minify: true,
  target: "es2018",
  format: what === "module" ? "esm" : "iife",
  charset: "utf8",
  mangleProps: what === "automatic" ? undefined : new RegExp(`^(${OURS.trim().split(/\s+/).join("|")})$`),
  write: false,
  metafile: true,
});
const { contents } = outputFiles[0];

function parts() {
  const [{ inputs }] = Object.values(metafile.outputs);
  const sizes = Object.entries(inputs).map(([name, { bytesInOutput }]) => [bytesInOutput, name.split("/").pop()]);
  sizes.push([contents.length, "all"], [gzipSync(contents, { level: 9 }).length, "all, compressed"]);
  return sizes.sort(([one], [other]) => other - one).map(([bytes, name]) => `${String(bytes).padStart(6)}  ${name}\n`).join("");
}

process.stdout.write(process.argv[2] === "parts" ? parts() : contents);
