// Builds what is served: standard output is the first script; with "parts" the second one, with its marks, which the collector cuts
// (collector/pixel_parts.py); with "module" and "module-parts" the npm package's two; with "sizes" how large each of them is.
//
// Between `/*! if a b */` and `/*! end */` stand whole statements, which are there for one of those parts: esbuild keeps such comments
// where they are, and joins nothing over them. (terser moves them.)
//
// The modules call each other by names that say something; in the result these few, which are in no event, no storage and nothing of
// the browser's, are short. Absent: names of the configuration, of events and of what is stored: those are others' business, too.

import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const OURS = `
  admit anonymousIdNow beacon becomeReady all began call changed charsMax choose decide destroy entriesMax flying forget heard hurry isFailing isFree
  isPaused isUnsettled kept leave look meet met merge mode outlives post pump reached read retryAfterS said save seek settle settled stamp start stay still
  tell told unheard write`;
const MARK = /\/\*! (if [a-z ]+|end) \*\/\n?/;

/** The npm package's second file is a file of its own. */
const beside = { name: "beside", setup: (build) => build.onResolve({ filter: /parts\.ts$/ }, () => ({ path: "./parts.js", external: true })) };

async function built(entry, format, plugins = []) {
  const { outputFiles, metafile } = await build({
    entryPoints: [new URL(entry, import.meta.url).pathname],
    bundle: true,
    minify: true,
    target: "es2020",
    format,
    charset: "utf8",
    legalComments: "inline",
    mangleProps: new RegExp(`^(${OURS.trim().split(/\s+/).join("|")})$`),
    plugins,
    write: false,
    metafile: true,
  });
  return { text: outputFiles[0].text, modules: Object.values(metafile.outputs)[0].inputs };
}

/** With those parts alone, or with all of them. */
function cut(text, wanted) {
  const isKept = [true];
  let all = "";
  text.split(MARK).forEach((piece, index) => {
    const [mark, ...names] = index % 2 ? piece.split(" ") : [];
    if (mark === "end") isKept.pop();
    else if (mark) isKept.push(isKept.at(-1) && (!wanted || names.some((name) => wanted.includes(name))));
    else if (isKept.at(-1)) all += piece;
  });
  return all;
}

function sizes({ text, modules }) {
  const found = Object.entries(modules).map(([name, { bytesInOutput }]) => [bytesInOutput, name.split("/").pop()]);
  const script = cut(text);
  found.push([script.length, "all of it"], [gzipSync(script, { level: 9 }).length, "all of it, compressed"]);
  return found.sort(([one], [other]) => other - one).map(([bytes, name]) => `${String(bytes).padStart(6)}  ${name}\n`).join("");
}

const RESULTS = {
  script: async () => cut((await built("index.ts", "iife")).text),
  parts: async () => (await built("parts.ts", "esm")).text,
  module: async () => cut((await built("module.ts", "esm", [beside])).text),
  "module-parts": async () => cut((await built("parts.ts", "esm")).text),
  sizes: async () => `${sizes(await built("index.ts", "iife"))}\n${sizes(await built("parts.ts", "esm"))}`,
};

process.stdout.write(await RESULTS[process.argv[2] || "script"]());
