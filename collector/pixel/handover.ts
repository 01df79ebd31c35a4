// How a visitor who comes from another domain of the same owner is known there: the parameter that a link brought. It leaves the
// address bar before anything is told, and is believed only when the page before was one of the site's own domains: nobody can hand
// out an identity by a link. Absent: putting it into links (domains.ts).

import { isHostIn } from "./conditions.ts";

/*! if domains */
export const PARAMETER = "_sl";
const FRESH_S = 120;
const ID_CHARS_MAX = 255;

export const isOther = (patterns: string[], { protocol, hostname }: { protocol: string; hostname: string }): boolean =>
  /^https?:$/.test(protocol) && hostname !== location.hostname && isHostIn(patterns, hostname);

/** The id that was handed over, once. */
export function handedOver(patterns: string[] = []): string {
  const said = patterns[0] && new URLSearchParams(location.search).get(PARAMETER);
  if (said == null) return "";
  history.replaceState(history.state, "", told(location.href));
  const { referrer } = document;
  return referrer && isOther(patterns, new URL(referrer)) ? idIn(said, Date.now()) : "";
}

/** The address with another parameter of ours, or without any. */
export function told(url: string, id = ""): string {
  const [, path, search = "", hash] = /^([^?#]*)\??([^#]*)(.*)$/.exec(url) as unknown as string[];
  const kept = search.split("&").filter((part) => part && !part.startsWith(`${PARAMETER}=`));
  if (id) kept.push(`${PARAMETER}=${encodeURIComponent(id)}`);
  return path + (kept.length ? "?" : "") + kept.join("&") + hash;
}

/** Seconds since 1970 in base 36, a dot, the id. */
export const said = (id: string, nowMs: number): string => `${Math.floor(nowMs / 1_000).toString(36)}.${id}`;

/** The id, when it was said just now; else "". */
export function idIn(value: string, nowMs: number): string {
  const [, time = "", id = ""] = /^([0-9a-z]{1,8})\.(.+)$/.exec(value) || [];
  const isFresh = Math.abs(nowMs / 1_000 - parseInt(time, 36)) <= FRESH_S;
  return isFresh && id.length <= ID_CHARS_MAX ? id : "";
}
/*! end */
