// The root of the npm package: the same pixel for a site that bundles its scripts. Nothing happens at import, and on a server
// nothing happens at all. Its types are those of the package (collector/npm/index.d.ts), held against this.

import type * as published from "../npm/index.d.ts";
import { METHODS, type Stub, start } from "./start.ts";

/** For a server. */
function silent(): published.Stitchline {
  const calls: Record<string, () => void> = {};
  for (const method of METHODS) calls[method] = () => undefined;
  return calls as unknown as published.Stitchline;
}

export const load: typeof published.load = ({ host, ...config }) => {
  if (typeof document === "undefined") return silent();
  const me = window as { stitchline?: Stub };
  const stub = (me.stitchline = me.stitchline || {});
  const { events = [], emails, domains } = config;
  // Beside this one, so that only those pages load it that need it.
  start(stub, host.replace(/\/$/, ""), config, events[0] || emails || domains ? () => import("./parts.ts") : undefined);
  return stub as published.Stitchline;
};
