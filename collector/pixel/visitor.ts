// Who this browser is: its anonymousId and, once identified, its userId.
//
// The collector's cookie decides (HttpOnly, a year), since what scripts store lives seven days in Safari. So a page first asks
// POST /v1/visitor: the answer is the cookie's id, or, without a cookie, the id that we said, which the cookie then has. Our copy
// in storage is what we say, and all there is where cookies are blocked. One tab asks at a time (Web Locks), so that the second
// one's request already carries the cookie of the first one's answer.

import { read, write } from "./storage.ts";
import { type Answer, isTemporary, type Post } from "./transport.ts";

const NAME = "stitchline";

interface Stored {
  anonymousId: string;
  userId: string | undefined;
  chosen: boolean; // by reset() or setAnonymousId(), and the collector does not know yet
}

export type Visitor = ReturnType<typeof visitor>;

export function visitor(post: Post, path: string, writeKey: string) {
  let first = ""; // what we say on this page before anything is answered
  let met = ""; // what was answered to that
  let identified = false; // on this page

  const stored = () => read<Stored>(NAME);
  const said = () => first || (first = stored().anonymousId || uuid());

  const ask = async (): Promise<Answer> => {
    const before = stored();
    const mine = (met && before.anonymousId) || said();
    const replace = !!before.chosen && mine === before.anonymousId;
    const answer = await post(path, JSON.stringify({ writeKey, anonymousId: mine, replace }), true);
    if (!isTemporary(answer)) adopt(idIn(answer.text) || mine, mine);
    return answer;
  };

  const adopt = (id: string, mine: string) => {
    met = met || id;
    const { anonymousId, userId } = stored();
    if (anonymousId && anonymousId !== mine) return; // reset since we said so, here or in another tab: to be told next
    const isSame = !anonymousId || anonymousId === id; // else it was reset on another of the site's hosts
    write(NAME, { anonymousId: id, userId: isSame || identified ? userId : undefined });
  };

  return {
    /** The answer for events that were made before it; "" until then. */
    met: () => met,
    /** What we say meanwhile. */
    said,
    /** Whether the collector has something to tell or to learn. */
    isUnsettled: () => !met || !!stored().chosen,
    /** Asks and tells; not twice at a time. A temporary answer means: again later. */
    meet: (): Promise<Answer> => {
      const { locks } = navigator as { locks?: LockManager }; // missing on plain http
      return locks ? (locks.request(NAME, ask) as Promise<Answer>).catch(ask) : ask();
    },
    /** Of events that are made now; undefined while it is for the collector to say. */
    anonymousId: (): string | undefined => {
      const { anonymousId, chosen } = stored();
      return met || chosen ? anonymousId || met : undefined;
    },
    userId: () => stored().userId,
    identify: (userId: string) => {
      identified = true;
      write(NAME, { ...stored(), userId });
    },
    /** Another name for the same visitor. */
    choose: (anonymousId: string) => {
      said(); // events from before keep what we said then
      write(NAME, { ...stored(), anonymousId, chosen: true });
    },
    reset: () => {
      said();
      identified = false;
      write(NAME, { anonymousId: uuid(), chosen: true });
    },
  };
}

export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is missing on plain http
  bytes[6] = ((bytes[6] as number) & 15) | 64;
  bytes[8] = ((bytes[8] as number) & 63) | 128;
  const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function idIn(text: string): string {
  try {
    return JSON.parse(text).anonymousId;
  } catch {
    return ""; // somebody else's answer
  }
}
