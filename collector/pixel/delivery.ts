// Brings events to the collector, in order: one request at a time, and what is made meanwhile goes with the next one.
//
// Every event stays until it is acknowledged or refused for good. What is temporary (503, 429, no answer) is tried again (patience.ts).
// What waits longer than a moment stands in storage (outbox.ts). When the page goes, what is left is handed to the browser at once,
// as far as browsers take it; what did not get through is kept for the next page, and the pipeline drops what came twice by its
// message id.

import { outbox } from "./outbox.ts";
import { patience } from "./patience.ts";
import { add, bytesOf, type Entry, next, seal, verdict } from "./queue.ts";
import type { Storage } from "./storage.ts";
import { type Answer, hasKeepalive, isTemporary, type Post } from "./transport.ts";
import type { Visitor } from "./visitor.ts";

const LIMITS = { entriesMax: 1_000, charsMax: 500_000 };
const BATCH_BYTES_MAX = 30_000;
const BATCH_ENTRIES_MAX = 500;
const KEEPALIVE_BYTES_MAX = 60_000; // of all requests that may outlive the page; browsers refuse more than 64 KiB
const SAVE_MS = 500; // what is acknowledged sooner is never written

export interface Way {
  post: Post;
  beacon: (path: string, body: string) => boolean;
  path: string;
  writeKey: string;
}

const isBare = (entries: Entry[]) => !!(entries[0] as Entry).bare; // all of one batch are

export type Delivery = ReturnType<typeof delivery>;

export function delivery(way: Way, who: Visitor, storage: Storage) {
  let queue: Entry[] = [];
  let entriesMax = BATCH_ENTRIES_MAX;
  let flyingBytes = 0;
  let isStarted = false;
  let isBusy = false;
  let isGone = false;
  let saving = 0; // the timer's number
  let becomeReady: () => void;
  const ready = new Promise<void>((done) => (becomeReady = done));

  /** Nothing of ours may become an error that the page hears of. */
  const soon = () => void Promise.resolve().then(pump).catch(() => undefined);
  const calm = patience(storage, soon);
  const place = outbox(storage, way.writeKey, (entries) => {
    add(queue, entries, LIMITS);
    save(0);
    soon();
  });

  const batch = () => next(queue, BATCH_BYTES_MAX, entriesMax);
  const sealed = (entries: Entry[]) =>
    seal(entries, way.writeKey, isBare(entries) ? undefined : who.said(), new Date().toISOString());
  const remove = (entries: Entry[]) => (queue = queue.filter((entry) => !entries.includes(entry)));

  const pump = async (): Promise<void> => {
    if (isBusy || !isStarted) return;
    isBusy = true;
    try {
      while (!calm.isPaused() && !isGone) {
        const entries = batch();
        if (who.isUnsettled()) await meet();
        else if (entries.length) await send(entries, sealed(entries));
        else break;
      }
    } finally {
      isBusy = false;
    }
  };

  const meet = async () => {
    calm.settle(await who.meet());
    const id = who.met();
    for (const entry of queue) if (id && !entry.bare) entry.anonymousId = entry.anonymousId || id;
    becomeReady();
  };

  const send = async (entries: Entry[], body: string): Promise<void> => {
    const bytes = bytesOf(body);
    const keepalive = fits(bytes);
    if (keepalive) flyingBytes += bytes;
    for (const entry of entries) Object.assign(entry, { flying: true, outlives: keepalive });
    const answer = await way.post(way.path, body, { keepalive, bare: isBare(entries) });
    if (keepalive) flyingBytes -= bytes;
    const isUnheard = isGone && !answer.status; // a page that goes hears no answer, but the browser goes on
    for (const entry of entries) {
      entry.flying = entry.unheard = isUnheard;
      if (!isUnheard) entry.tries = (entry.tries || 0) + 1;
    }
    if (isUnheard) return;
    judge(entries, answer);
    calm.settle(answer);
    save();
  };

  const fits = (bytes: number) => hasKeepalive() && flyingBytes + bytes <= KEEPALIVE_BYTES_MAX;

  const judge = (entries: Entry[], answer: Answer) => {
    const what = verdict(answer.status, entries);
    if (what === "halve") entriesMax = Math.ceil(entries.length / 2);
    else if (!isTemporary(answer)) entriesMax = Math.min(entriesMax * 2, BATCH_ENTRIES_MAX);
    const left = queue.filter((entry) => entries.includes(entry)); // without what was withdrawn meanwhile
    if (what === "done" || what === "last") remove(entries);
    if (what === "last") queue.push(...left);
    if (what === "done") for (const { told } of entries) if (told) told();
  };

  const save = (ms = SAVE_MS) => {
    if (!ms) clearTimeout(saving);
    if (!ms || !saving) saving = window.setTimeout(saveNow, ms);
  };

  const saveNow = () => {
    clearTimeout(saving);
    saving = 0;
    return isGone ? place.leave(queue.filter(mayBeLost)) : place.save(queue);
  };

  /** No answer to what is on its way will be heard. It counts as arrived, unless there is a reason to doubt it. */
  const mayBeLost = (entry: Entry) => !entry.outlives || !!entry.tries || calm.isFailing() || navigator.onLine === false;

  const hand = (entries: Entry[]): boolean => {
    const body = sealed(entries);
    if (fits(bytesOf(body))) void send(entries, body).then(soon, () => undefined);
    else if (!isGone || isBare(entries) || !way.beacon(way.path, body)) return false;
    else remove(entries);
    return true;
  };

  const leave = (isLast: boolean) => {
    if (isGone && !isLast) return; // hidden, too
    isGone = isGone || isLast;
    // In a pause the next page sends; where there is nothing to keep it in, this is the last chance.
    if (calm.isPaused() && (saveNow() || !isGone)) return;
    for (let entries = batch(); entries.length && hand(entries); entries = batch());
    saveNow();
  };

  return {
    ready,
    /** Takes what earlier pages could not bring, and asks who the visitor is. */
    start: () => {
      isStarted = true;
      calm.start();
      if (!who.isUnsettled() || calm.isPaused()) becomeReady();
      void place.seek();
      soon();
    },
    add: (entry: Entry) => {
      add(queue, [entry], LIMITS);
      if (isGone) return leave(true); // the page's own listeners of the last moment came after ours
      save();
      soon();
    },
    pump: soon,
    /** What has not been sent is nobody's any more. */
    destroy: () => {
      queue = [];
      save(0);
    },
    /** The page is hidden or, when `isLast`, gone: nothing may wait any longer, unless the collector asked for a pause. */
    leave,
    /** It was not gone for good, if it was gone at all. */
    stay: () => {
      if (!isGone) return;
      isGone = false;
      queue = place.still(queue);
      for (const entry of queue) if (entry.unheard) entry.flying = false;
      save(0);
      soon();
    },
    /** The network is back. */
    online: () => {
      calm.hurry();
      void place.seek();
    },
    /** Another tab may have gone. */
    heard: (event: StorageEvent) => {
      if (place.isFree(event)) void place.seek();
    },
  };
}
