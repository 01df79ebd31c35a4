// What becomes of an event that was made: it goes to delivery, waits in this page's memory for the visitor's decision, or is destroyed.
// What is not sent as somebody's has no ids, and calls that do nothing but name somebody are not made at all.

import type { Gate, Mode } from "./api.ts";
import type { Delivery } from "./delivery.ts";
import type { Fields } from "./event.ts";
import { textOf } from "./json.ts";

const WAITING_MAX = 1_000;
const NAMING = ["identify", "group", "alias"];

interface Waiting {
  json: string; // as it was when the call was made
  anonymousId: string | undefined;
  told: (() => void) | undefined;
}

export function admission(gate: Gate, out: Delivery, anonymousId: () => string | undefined) {
  let waiting: Waiting[] = [];

  const enter = (event: Fields, mode: Mode, id: string | undefined, told: (() => void) | undefined) => {
    const bare = mode === "cookieless";
    if (mode === "drop" || (bare && NAMING.includes(event.type as string))) return told && told();
    const consent = gate.stamp();
    const json = textOf({
      ...event,
      userId: bare ? undefined : event.userId,
      context: { ...(consent && { consent }), ...(event.context as Fields) },
    });
    out.add({
      id: event.messageId as string,
      json,
      ...(bare ? { bare } : { anonymousId: id }),
      ...(event.type === "alias" && !event.previousId && { names: true }),
      ...(told && { told }),
    });
  };

  return {
    admit: (event: Fields, told: (() => void) | undefined) => {
      const mode = gate.mode();
      if (mode !== "wait") return enter(event, mode, anonymousId(), told);
      // The first ones say how the visitor came: over the limit the later ones go.
      if (waiting.length < WAITING_MAX) waiting.push({ json: textOf(event), anonymousId: anonymousId(), told });
    },
    /** The mode is another, or says something else. */
    changed: () => {
      const mode = gate.mode();
      if (mode === "wait") return;
      const events = waiting;
      waiting = [];
      for (const { json, anonymousId: id, told } of events) enter(JSON.parse(json), mode, id, told);
    },
  };
}
