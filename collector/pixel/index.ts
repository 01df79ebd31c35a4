// The root of the script: takes over the stub that the site's snippet made, with the calls that were made before it was there.
// Absent: the same for a site that bundles its scripts (module.ts).

import { type Config, hostOf } from "./config.ts";
import { type Stub, start } from "./start.ts";

interface Snippet extends Stub {
  /** Left by the script in front of this one (automatic_root.ts). */
  automatic?: Parameters<typeof start>[3];
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

start(stub, stub.host || hostOf(script ? script.src : "", !!config), { ...config, key }, stub.automatic);
