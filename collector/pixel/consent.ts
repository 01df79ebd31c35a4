// The gate: what becomes of an event before and after the visitor has decided.

import type { Gate, Mode } from "./api.ts";
import type { Config } from "./config.ts";

export function gateOf(config: Config, _changed: () => void): Gate {
  const mode: Mode = config.cookieless ? "cookieless" : "send";
  return { mode: () => mode, stamp: () => undefined, decide: () => undefined };
}
