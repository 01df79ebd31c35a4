// Brings events to the collector, in order: one request at a time, and what is made meanwhile goes with the next one.
//
// Every event stays until it is acknowledged or refused for good. What is temporary (503, 429, no answer) is tried again, later
// each time, or when Retry-After says. When the page goes, what is left is handed to the browser at once, as far as browsers
// take it; what did not get through is kept for the next page, and the pipeline drops what came twice by its message id.

import { add, bytesOf, type Entry, next, seal } from "./queue.ts";
import { read, write } from "./storage.ts";
import { type Answer, isTemporary, type Post } from "./transport.ts";
import type { Visitor } from "./visitor.ts";

const KEPT = "stitchline.queue";
const ENTRIES_MAX = 1_000;
const BATCH_BYTES_MAX = 30_000;
const KEEPALIVE_BYTES_MAX = 60_000; // of all requests that may outlive the page; browsers refuse more than 64 KiB
const PAUSE_MS_MIN = 1_000;
const PAUSE_MS_MAX = 60_000;

interface Kept {
  entries: Entry[];
}

export type Delivery = ReturnType<typeof delivery>;

export function delivery(post: Post, path: string, who: Visitor, writeKey: string) {
  let queue: Entry[] = [];
  let isBusy = false;
  let pause = 0; // the timer's number
  let failures = 0;
  let flyingBytes = 0;
  let isGone = false;
  let kept: string[] = []; // ids of ours in storage

  const sealed = (entries: Entry[]) => seal(entries, writeKey, who.said(), new Date().toISOString());
  const stored = () => read<Kept>(KEPT).entries || [];
  const batch = () => next(queue, BATCH_BYTES_MAX);

  const pump = async (): Promise<void> => {
    const entries = batch();
    if (isBusy || pause || !(entries.length || who.isUnsettled())) return;
    isBusy = true;
    if (who.isUnsettled()) {
      settle(await who.meet());
      if (who.met()) for (const entry of queue) entry.anonymousId = entry.anonymousId || who.met();
    } else {
      await send(entries, sealed(entries));
    }
    isBusy = false;
    void pump();
  };

  const send = async (entries: Entry[], body: string): Promise<void> => {
    const size = bytesOf(body);
    const keepalive = flyingBytes + size <= KEEPALIVE_BYTES_MAX;
    if (keepalive) flyingBytes += size;
    for (const entry of entries) entry.flying = true;
    const answer = await post(path, body, keepalive);
    if (isGone && !answer.status) return; // a page that goes hears no answer, but the browser goes on
    if (keepalive) flyingBytes -= size;
    for (const entry of entries) {
      entry.flying = false;
      entry.tried = true;
    }
    if (!isTemporary(answer)) queue = queue.filter((entry) => !entries.includes(entry));
    settle(answer);
    if (kept.length) keep();
  };

  const settle = (answer: Answer) => {
    if (!isTemporary(answer)) {
      failures = 0;
    } else if (!pause) {
      const longer = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** failures++);
      // Not all browsers at once: up to a quarter more.
      pause = window.setTimeout(resume, (answer.retryAfterS * 1_000 || longer) * (1 + Math.random() / 4));
    }
  };

  const resume = () => {
    pause = 0;
    void pump();
  };

  const keep = () => {
    const others = stored().filter(({ id }) => !kept.includes(id));
    const mine = queue.filter((entry) => entry.tried || !entry.flying);
    kept = mine.map(({ id }) => id);
    write(KEPT, { entries: others.concat(mine).slice(-ENTRIES_MAX) });
  };

  const leave = (isLast: boolean) => {
    isGone = isGone || isLast;
    for (let entries = batch(); entries.length && (isGone || !pause); entries = batch()) {
      const body = sealed(entries);
      if (flyingBytes + bytesOf(body) > KEEPALIVE_BYTES_MAX) break;
      void send(entries, body).then(pump);
    }
    if (queue.length) keep();
  };

  return {
    /** Takes what earlier pages could not bring, and asks who the visitor is; resolves after that first try. */
    start: () => {
      add(queue, stored().map((entry) => ({ ...entry, flying: false })), ENTRIES_MAX);
      if (queue.length) write(KEPT, {});
      return pump();
    },
    add: (entry: Entry) => {
      add(queue, [entry], ENTRIES_MAX);
      if (isGone) leave(true); // the page's own listeners of the last moment came after ours
      else void pump();
    },
    pump,
    /** The page is hidden or, when `isLast`, gone: nothing may wait any longer, unless the collector asked for a pause. */
    leave,
    /** It was not gone for good, if it was gone at all. */
    stay: () => {
      if (!isGone) return;
      isGone = false;
      flyingBytes = 0;
      for (const entry of queue) entry.flying = false; // whether they arrived was not heard
      void pump();
    },
  };
}
