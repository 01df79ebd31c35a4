// The root of the script: takes over the stub that the site's snippet made, with the calls that were made before it was there.
//
// What stands between `if` and `end`, here and elsewhere, is served where the source's configuration has something for one of the
// named parts to do (collector/pixel_parts.py). Absent: the same for a site that bundles its scripts (module.ts).

import { automatic } from "./automatic.ts";
import { type Config, hostOf } from "./config.ts";
import { type Automatic, type Stub, start } from "./start.ts";

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
let more: Automatic | undefined;
/*! if automatic */
more = automatic;
/*! end */

start(stub, stub.host || hostOf(script ? script.src : "", !!config), { ...config, key }, more);
