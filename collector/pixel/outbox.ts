// This tab's place in storage for events that are not acknowledged, so that they survive the page. Each place has one owner.
//
// A tab writes to a place of its own, and holds a lock (Web Locks) of that name while something is in it: so no two tabs write the
// same text, and none sends another's events. When a tab ends, however it ends, its lock is free; whoever then gets the lock takes
// the events over. Where there are no locks (plain http, old browsers) a tab that goes says so, and one that was killed is known by
// a place that nobody has touched for minutes. Places are named for their source's key: two sources of one site never send each
// other's events.

import type { Entry } from "./queue.ts";
import type { Storage } from "./storage.ts";
import { uuid } from "./uuid.ts";

const PREFIX = "stitchline.queue";
const LEFT = '{"at":0,';
const TOUCHED_MS = 30_000;
const ABANDONED_MS = 180_000; // hidden tabs are woken once a minute

interface Place {
  at: number; // when it was touched last; 0: its tab has gone
  entries: Entry[];
}

/** What is true of it on another page, too. */
const lasting = ({ id, json, anonymousId, bare, names, tries }: Entry) => ({ id, json, anonymousId, bare, names, tries }) as Entry;

export type Outbox = ReturnType<typeof outbox>;

export function outbox(storage: Storage, writeKey: string, adopt: (entries: Entry[]) => void) {
  const prefix = `${PREFIX}.${writeKey.length}.${writeKey}.`; // with its length no key is the beginning of another
  const own = prefix + uuid();
  const { locks } = navigator as { locks?: LockManager };
  let release: (() => void) | undefined;
  let timer = 0;
  let kept: Entry[] = [];
  let isLeft = false;

  const hold = () => {
    if (!locks || release) return;
    const held = new Promise<void>((done) => (release = done));
    locks.request(own, () => held).catch(() => undefined); // forbidden: then storage is, too
  };

  const letGo = () => {
    if (release) release();
    release = undefined;
  };

  const put = (entries: Entry[], at: number): boolean => {
    clearTimeout(timer);
    kept = entries;
    if (!entries.length) storage.remove(own);
    const isKept = !entries.length || storage.write(own, { at, entries: entries.map(lasting) });
    if (at && entries.length && !locks) timer = window.setTimeout(() => put(kept, Date.now()), TOUCHED_MS);
    return isKept;
  };

  const still = (entries: Entry[]): Entry[] => {
    if (!isLeft) return entries;
    isLeft = false;
    const { entries: there = [] } = storage.names(own)[0] ? storage.read<Place>(own) : {};
    const ids = there.map(({ id }) => id);
    const lost = kept.filter(({ id }) => !ids.includes(id));
    return entries.filter((entry) => !lost.includes(entry));
  };

  const touched = (name: string) => storage.read<Place>(name).at || 0;

  const take = (name: string) => {
    const { entries = [] } = storage.read<Place>(name);
    storage.remove(name);
    adopt(entries.map((entry) => ({ ...entry, tries: entry.tries || 1 }))); // whether they arrived was not heard
  };

  const seek = async (): Promise<void> => {
    for (const name of storage.names(prefix)) {
      if (name === own) continue;
      const ifAvailable = touched(name) > 0; // else its tab is about to let it go
      if (locks) await locks.request(name, { ifAvailable }, (lock) => lock && take(name)).catch(() => undefined);
      else if (Date.now() - touched(name) > ABANDONED_MS) take(name);
    }
  };

  return {
    /** Whether they will be there when this page is not. */
    save: (entries: Entry[]): boolean => {
      if (entries.length) hold();
      const isKept = put(entries, Date.now());
      if (!entries.length) letGo();
      return isKept;
    },
    /** The page goes: from now on these are for whoever comes first. */
    leave: (entries: Entry[]): boolean => {
      const isKept = put(still(entries), 0);
      letGo();
      isLeft = isKept;
      return isKept;
    },
    /** The page is back: without those events that others have taken over meanwhile. */
    still,
    /** Takes over what nobody owns. */
    seek,
    /** Whether a change that storage tells of is a tab that has gone. */
    isFree: ({ key, newValue }: StorageEvent): boolean => !!key && key.startsWith(prefix) && !!newValue && newValue.startsWith(LEFT),
  };
}
