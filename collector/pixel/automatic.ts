// Events without code: called once, at the start, before the page's early calls.

import type { Api } from "./api.ts";
import type { Config } from "./config.ts";

export function automatic(config: Config, api: Api): void {
  if (config.pages) api.page({}, { timestamp: api.began });
}
