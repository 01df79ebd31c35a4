// One request of the pixel. Text without headers of ours needs no preflight; keepalive lets it outlive the page.
// Absent: when to try again (delivery.ts).

export interface Answer {
  status: number; // 0: no answer that could be read
  retryAfterS: number; // 0: not said
  text: string;
}

export type Post = (path: string, body: string, keepalive: boolean) => Promise<Answer>;

const ANSWER_MS_MAX = 20_000; // the collector itself gives up after 10 s

export const post = (host: string): Post => async (path, body, keepalive) => {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_MS_MAX);
  try {
    const reply = await fetch(host + path, { method: "POST", body, keepalive, credentials: "include", signal: abort.signal });
    return { status: reply.status, retryAfterS: Number(reply.headers.get("retry-after")) || 0, text: await reply.text() };
  } catch {
    return { status: 0, retryAfterS: 0, text: "" };
  } finally {
    clearTimeout(timer);
  }
};

/** Whether the same may succeed later. */
export const isTemporary = ({ status }: Answer): boolean => !status || status === 408 || status === 429 || status >= 500;
