// Events that the collector has not acknowledged yet: an array with limits, in order, and what an answer means for them. Pure.
// An event is kept as the JSON text of the moment it was made: what the page changes afterwards does not change it, and a
// retry is the same event with the same message id.

export interface Entry {
  id: string; // the event's message id
  json: string; // begins with "{"
  anonymousId?: string | undefined; // whose it is; none until the collector has said who this browser is
  bare?: boolean; // goes without cookies, and gets no id from here
  names?: boolean; // an alias whose previous id is the anonymousId
  tries?: number; // how often it was refused or not answered
  flying?: boolean; // handed to the browser for sending, not answered yet
  outlives?: boolean; // so that the page need not be there for it
  unheard?: boolean; // the page went, and so did the answer
  told?: () => void; // hears that it is settled; on this page alone
}

export interface Limits {
  entriesMax: number;
  charsMax: number;
}

export const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** Adds at the end; over a limit the oldest that is not being sent goes. */
export function add(queue: Entry[], entries: Entry[], { entriesMax, charsMax }: Limits): void {
  for (const entry of entries) queue.push(entry);
  let chars = queue.reduce((sum, { json }) => sum + json.length, 0);
  while (queue.length > entriesMax || chars > charsMax) {
    const oldest = queue.findIndex((entry) => !entry.flying);
    const gone = queue.splice(Math.max(0, oldest), 1)[0] as Entry;
    chars -= gone.json.length;
    if (gone.told) gone.told();
  }
}

/** The next ones that are not being sent and fit together; one that alone is too large goes alone. */
export function next(queue: Entry[], bytesMax: number, entriesMax: number): Entry[] {
  const chosen: Entry[] = [];
  let size = 0;
  for (const entry of queue) {
    if (entry.flying) continue;
    size += bytesOf(text(entry)) + 1;
    if (chosen.length && (size > bytesMax || chosen.length >= entriesMax || !entry.bare !== !(chosen[0] as Entry).bare)) break;
    chosen.push(entry);
  }
  return chosen;
}

/** The body of POST /v1/batch. `lent` is for events without an anonymousId: there the collector prefers its cookie to it. */
export function seal(entries: Entry[], writeKey: string, lent: string | undefined, sentAt: string): string {
  const shared = JSON.stringify({ writeKey, anonymousId: lent, sentAt });
  return `${shared.slice(0, -1)},"batch":[${entries.map(text).join()}]}`;
}

function text({ json, anonymousId, names }: Entry): string {
  if (!anonymousId) return json;
  const id = JSON.stringify(anonymousId);
  return `{"anonymousId":${id},${names ? `"previousId":${id},` : ""}${json.slice(1)}`;
}

/**
 * done: taken, or refused for good · later: the same may succeed · halve: one of them is what is refused, and the others need not
 * wait for it · last: it may be the one that the collector breaks at, so it is tried again after all others.
 */
export type Verdict = "done" | "later" | "halve" | "last";

const TRIES_MAX = 20; // of one event that is answered 500 by itself

export function verdict(status: number, entries: Entry[]): Verdict {
  const isMany = entries.length > 1;
  if (status === 500) return isMany ? "halve" : ((entries[0] as Entry).tries || 0) < TRIES_MAX ? "last" : "done";
  if (!status || status === 408 || status === 429 || status > 500) return "later";
  return isMany && (status === 400 || status === 413) ? "halve" : "done";
}
