// Who this browser is: its anonymousId, and what the page has said of the person: a userId, traits, a group.
//
// The collector's cookie decides (HttpOnly, a year), since what scripts store lives seven days in Safari. So a page first asks
// POST /v1/visitor: the answer is the cookie's id, or, without a cookie, the id that we said, which the cookie then has. Our copy
// in storage is what we say, and all there is where cookies are blocked. One tab asks at a time (Web Locks), so that the second
// one's request already carries the cookie of the first one's answer.

import { attempt } from "./attempt.ts";
import { type Fields, fields, idOf } from "./event.ts";
import { textOf } from "./json.ts";
import type { Storage } from "./storage.ts";
import { type Answer, isTemporary, type Post } from "./transport.ts";
import { uuid } from "./uuid.ts";

export const NAME = "stitchline";
const FORGET_TRIES = 6;
const FORGET_MS = 1_000; // then twice as long each time
const TRAITS_CHARS_MAX = 20_000; // what is longer is sent and not remembered

interface Person {
  userId?: string | undefined;
  traits?: Fields | undefined;
  groupId?: string | undefined;
  groupTraits?: Fields | undefined;
}

interface Stored extends Person {
  anonymousId: string;
  chosen: boolean; // by reset() or setAnonymousId(), and the collector does not know yet
}

export type Visitor = ReturnType<typeof visitor>;

export function visitor(post: Post, path: string, writeKey: string, storage: Storage, isKnown: () => boolean) {
  let first = ""; // what we say on this page before anything is answered
  let met = ""; // what was answered to that
  let identified = false; // on this page
  let withdrawals = 0;

  const stored = () => storage.read<Stored>(NAME);
  const said = () => first || (first = stored().anonymousId || uuid());
  const remember = (person: Person) => storage.write(NAME, { ...stored(), ...person });

  const anonymousId = (): string | undefined => {
    const { anonymousId: id, chosen } = stored();
    return met || chosen ? id || met : undefined;
  };

  const tell = (more: Fields) => post(path, JSON.stringify({ writeKey, ...more }), { keepalive: true });

  const ask = async (): Promise<Answer> => {
    const before = stored();
    const earlier = withdrawals;
    const mine = (met && before.anonymousId) || said();
    const replace = !!before.chosen && mine === before.anonymousId;
    const answer = await tell({ anonymousId: mine, replace });
    if (earlier !== withdrawals) await tellToForget(); // this answer may have brought the cookie back
    else if (!isTemporary(answer)) adopt(idIn(answer.text) || mine, mine);
    return answer;
  };

  const tellToForget = async (tries = 0): Promise<void> => {
    // In quotes, or the build would shorten it as a name of ours.
    const answer = await tell({ "forget": true });
    if (isTemporary(answer) && tries < FORGET_TRIES && !isKnown()) setTimeout(() => void tellToForget(tries + 1), FORGET_MS * 2 ** tries);
  };

  const adopt = (id: string, mine: string) => {
    met = met || id;
    const { anonymousId, chosen: _, ...person } = stored();
    if (anonymousId && anonymousId !== mine) return; // reset since we said so, here or in another tab: to be told next
    const isSame = !anonymousId || anonymousId === id; // else it was reset on another of the site's hosts
    storage.write(NAME, { anonymousId: id, ...((isSame || identified) && person) });
  };

  /** New traits beside those that were said of the same one before. */
  const merged = (isSame: boolean, earlier: Fields | undefined, traits: unknown) => {
    const all = { ...(isSame && earlier), ...fields(traits) };
    return { all, kept: textOf(all).length > TRAITS_CHARS_MAX ? undefined : all };
  };

  return {
    /** The answer for events that were made before it; "" until then. */
    met: () => met,
    /** What we say meanwhile. */
    said,
    /** What the page may hear of it: "" while nothing may be kept. */
    name: () => (isKnown() ? anonymousId() || said() : ""),
    /** Whether the collector has something to tell or to learn; `isKnown` says whether events may be somebody's at all. */
    isUnsettled: () => isKnown() && (!met || !!stored().chosen),
    /** Asks and tells; not twice at a time. A temporary answer means: again later. */
    meet: (): Promise<Answer> => {
      const { locks } = navigator as { locks?: LockManager }; // missing on plain http
      return locks ? (locks.request(NAME, ask) as Promise<Answer>).catch(ask) : ask();
    },
    /** Of events that are made now; undefined while it is for the collector to say. */
    anonymousId,
    userId: () => stored().userId,
    /** Whoever it was has withdrawn: the collector's cookie goes too, as soon as that gets through. */
    forget: (): void => {
      first = met = "";
      identified = false;
      withdrawals++;
      void tellToForget();
    },
    /** All that is known of the user now, as the event says it. */
    identify: (id: unknown, traits: unknown): Fields => {
      const { userId, traits: earlier } = stored();
      const named = idOf(id);
      const { all, kept } = merged(!named || !userId || named === userId, earlier, traits);
      identified = identified || !!named;
      remember({ userId: named || userId, traits: kept });
      return all;
    },
    /** The same of the group. */
    group: (id: unknown, traits: unknown): { groupId: string | undefined; traits: Fields } => {
      const { groupId, groupTraits: earlier } = stored();
      const named = idOf(id);
      const { all, kept } = merged(!named || !groupId || named === groupId, earlier, traits);
      remember({ groupId: named || groupId, groupTraits: kept });
      return { groupId: named || groupId, traits: all };
    },
    /** Another id for the same visitor, or for a new one, of whom nothing is known. */
    choose: (anonymousId: string, isNew: boolean) => {
      said(); // events from before keep what we said then
      if (isNew) identified = false;
      storage.write(NAME, { ...(!isNew && stored()), anonymousId, chosen: true });
    },
  };
}

/** "" in somebody else's answer. */
const idIn = (text: string): string => attempt(() => JSON.parse(text).anonymousId) || "";
