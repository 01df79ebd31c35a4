// One request of the pixel. Text without headers of ours needs no preflight; keepalive lets it outlive the page.
// Absent: when to try again (delivery.ts).

import { attempt } from "./attempt.ts";

export interface Answer {
  status: number; // 0: no answer that could be read
  retryAfterS: number; // 0: not said
  text: string;
}

export interface Sending {
  keepalive?: boolean;
  /** The collector is told to read and set no id in a cookie; one that says "nothing of this browser" must still reach it. */
  bare?: boolean | undefined;
}

export type Post = (path: string, body: string, how: Sending) => Promise<Answer>;

const ANSWER_MS_MAX = 20_000; // the collector itself gives up after 10 s
const RETRY_AFTER_S_MAX = 3_600; // a longer one is a mistake, and a timer of a month would ring at once

export const hasKeepalive = (): boolean => "keepalive" in Request.prototype;

export const post = (host: string): Post => async (path, body, { keepalive = false, bare }) => {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_MS_MAX);
  try {
    const reply = await fetch(host + path + (bare ? "?cookieless=1" : ""), {
      method: "POST",
      body,
      keepalive,
      credentials: "include",
      signal: abort.signal,
    });
    return { status: reply.status, retryAfterS: secondsOf(reply.headers.get("retry-after")), text: await reply.text() };
  } catch {
    return { status: 0, retryAfterS: 0, text: "" };
  } finally {
    clearTimeout(timer);
  }
};

/** Whether the browser takes it; what becomes of it nobody hears. It always sends cookies. */
export const beacon = (host: string) => (path: string, body: string): boolean =>
  !!attempt(() => navigator.sendBeacon(host + path, body)); // missing, or taken away

export const isTemporary = ({ status }: Answer): boolean => !status || status === 408 || status === 429 || status >= 500;

/** Retry-After as a number of seconds or as a date. */
function secondsOf(header: string | null): number {
  const seconds = Number(header) || (Date.parse(header || "") - Date.now()) / 1_000 || 0;
  return Math.min(Math.max(seconds, 0), RETRY_AFTER_S_MAX);
}
