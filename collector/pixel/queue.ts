// Events that the collector has not acknowledged yet: an array with a limit, in order. Pure.
// An event is kept as the JSON text of the moment it was made: what the page changes afterwards does not change it, and a
// retry is the same event with the same message id.

export interface Entry {
  id: string; // the event's message id
  json: string; // begins with "{"
  anonymousId?: string | undefined; // whose it is; none until the collector has said who this browser is
  flying?: boolean; // handed to the browser for sending, not answered yet
  tried?: boolean; // was refused or not answered at least once
}

const encoder = new TextEncoder();

export const bytesOf = (text: string): number => encoder.encode(text).length;

/** Adds at the end; over the limit the oldest that is not being sent goes. */
export function add(queue: Entry[], entries: Entry[], entriesMax: number): void {
  queue.push(...entries);
  while (queue.length > entriesMax) {
    const oldest = queue.findIndex((entry) => !entry.flying);
    queue.splice(Math.max(0, oldest), 1);
  }
}

/** The next ones that are not being sent and fit together; one that alone is too large goes alone. */
export function next(queue: Entry[], bytesMax: number): Entry[] {
  const chosen: Entry[] = [];
  let size = 0;
  for (const entry of queue.filter((one) => !one.flying)) {
    size += bytesOf(text(entry)) + 1;
    if (chosen.length && size > bytesMax) break;
    chosen.push(entry);
  }
  return chosen;
}

/** The body of POST /v1/batch. `lent` is for events without an anonymousId: there the collector prefers its cookie to it. */
export function seal(entries: Entry[], writeKey: string, lent: string, sentAt: string): string {
  const shared = JSON.stringify({ writeKey, anonymousId: lent, sentAt });
  return `${shared.slice(0, -1)},"batch":[${entries.map(text)}]}`;
}

function text({ json, anonymousId }: Entry): string {
  return anonymousId ? `{"anonymousId":${JSON.stringify(anonymousId)},${json.slice(1)}` : json;
}
