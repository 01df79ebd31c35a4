// How a visitor came to the page that was loaded: by a campaign's parameters, from a site, out of an e-mail. Pure.
// Absent: the channels of the reports, which know more (processors/enrichment/channel.py).

import { type Definition, fits, isHostIn, like, type Mail } from "./conditions.ts";

/*! if arrival */
/** `referrer` is the host of the page before, "" for none and for the site's own. */
export function arrived({ utm, referrer: pattern, mail }: Definition, search: string, referrer: string): boolean {
  const said = new URLSearchParams(search.toLowerCase());
  if (utm) return fits(utm, (part) => said.getAll(`utm_${part}`));
  if (pattern) return !!referrer && like(pattern, referrer);
  return !!mail && (isMailed(mail, said) || isHostIn(mail.hosts, referrer));
}

function isMailed({ marks, media, sources }: Mail, said: URLSearchParams): boolean {
  const medium = said.get("utm_medium");
  const source = said.get("utm_source");
  if (medium) return media.includes(medium);
  return marks.some((mark) => said.get(mark)) || (!!source && sources.includes(source));
}
/*! end */
