// The root of the script: takes over the stub that the site's snippet made, with the calls that were made before it was there.
// Absent: the same for a site that bundles its scripts (module.ts), and what comes after it (parts.ts).

import { type Config, hostOf, PARTS } from "./config.ts";
import { type Stub, start } from "./start.ts";

interface Snippet extends Stub {
  /** In the first line of a script that was asked for by its key. */
  config?: Partial<Config>;
  key?: string;
  host?: string;
}

const me = window as { stitchline?: Snippet };
const script = document.currentScript as HTMLScriptElement | null;
const stub = (me.stitchline = me.stitchline || {});
const { config } = stub;
const key = (config && config.key) || stub.key || (script && script.dataset.writeKey) || "";
const host = stub.host || hostOf(script ? script.src : "", !!config);
const { parts, paths = {} } = config || {};

// As a module it may come under every policy under which this script may: with its nonce, and as an address without a type.
start(stub, host, { ...config, key }, parts ? () => import(`${host + (paths.parts || PARTS) + key}.js?${parts}`) : undefined);
