// Puts the parts together, and the calls into the page's object.
//
// Nothing here throws into the page, and no error of the page's own is caught.

import { admission } from "./admission.ts";
import type { Api, Gate } from "./api.ts";
import { BATCH, type Config, VISITOR } from "./config.ts";
import { gateOf } from "./consent.ts";
import { type Delivery, delivery } from "./delivery.ts";
import { safe } from "./dom.ts";
import { alias, type Circumstances, type Fields, group, idOf, identify, page, said, track } from "./event.ts";
import { browserNow, landingNow, pages, VERSION } from "./page.ts";
import { type Storage, storage } from "./storage.ts";
import { beacon, post } from "./transport.ts";
import { uuid } from "./uuid.ts";
import { NAME, type Visitor, visitor } from "./visitor.ts";

type Values = unknown[];
type Method = "page" | "track" | "identify" | "group" | "alias" | "reset" | "ready" | "setAnonymousId" | "consent";
type Call = (values: Values, when: Date, href?: string) => void;
type Calls = Record<Method, Call>;
type Early = [method: Method, values: ArrayLike<unknown>, when?: Date, href?: string];
type Admit = ReturnType<typeof admission>["admit"];

export interface Stub extends Partial<Record<Method, (...values: Values) => void>> {
  version?: string;
  q?: { push: (early: Early) => void } | Early[];
}

const TOLD_MS_MAX = 300; // a callback often leads to another page: it does not wait for a slow network

/** automatic.ts, where the source's configuration has something for it to do. */
export type Automatic = (config: Config, api: Api) => void;

export const start = safe((stub: Stub, host: string, config: Config, automatic?: Automatic): void => {
  if (stub.version) return;
  stub.version = VERSION;
  const early = (stub.q as Early[] | undefined) || [];
  const [, , began = new Date(), landing = landingNow()] = early[0] || [];
  const { paths = {} } = config;
  let views = 0;
  const gate = gateOf(config, safe(() => changed()));
  const isKnown = () => gate.mode() === "send";
  const kept = storage(isKnown);
  const send = post(host);
  const who = visitor(send, paths.visitor || VISITOR, config.key, kept, isKnown);
  const way = { post: send, beacon: beacon(host), path: paths.batch || BATCH, writeKey: config.key };
  const out = delivery(way, who, kept);
  const door = admission(gate, out, who.anonymousId);
  const calls = callsTo(who, out, gate, door.admit, landing);
  const run = safe(([method, values, when = new Date(), href]: Early) => {
    if (method === "page") views++;
    calls[method](Array.from(values), when, href);
  });
  let was = gate.mode();
  const changed = () => {
    if (was === "send" && !isKnown()) {
      out.destroy();
      kept.forget();
      who.forget();
    }
    was = gate.mode();
    clean(gate, kept);
    door.changed();
    out.start();
  };

  for (const method of Object.keys(calls) as Method[]) stub[method] = (...values) => run([method, values]);
  stub.q = { push: run }; // who kept a method of the stub still reaches us
  clean(gate, kept);
  listen(out);
  out.start();
  const api: Api = { ...(stub as Pick<Api, Method & keyof Api>), anonymousId: who.name, views: () => views, began };
  if (automatic) safe(automatic)(config, api);
  early.forEach(run);
});

function clean(gate: Gate, kept: Storage): void {
  const mode = gate.mode();
  if (mode === "send") kept.merge(NAME);
  else if (mode !== "wait") kept.forget();
}

function listen(out: Delivery): void {
  addEventListener("pagehide", safe(() => out.leave(true)));
  addEventListener("pageshow", safe(out.stay));
  addEventListener("online", safe(out.online));
  addEventListener("storage", safe(out.heard));
  document.addEventListener("visibilitychange", safe(() => document.visibilityState === "hidden" && out.leave(false)));
}

function callsTo(who: Visitor, out: Delivery, gate: Gate, admit: Admit, landing: string): Calls {
  const browser = browserNow();
  const pageNow = pages(landing);

  /** The last function among the values is called back when the event is settled, or soon. */
  const make =
    (build: (values: Values, around: Circumstances) => Fields, isView = false): Call =>
    (values, when, href) => {
      const told = values.filter((value) => typeof value === "function").pop() as (() => void) | undefined;
      const event = build(
        values.filter((value) => typeof value !== "function"),
        {
          page: pageNow(isView, href),
          context: browser,
          messageId: uuid(),
          timestamp: when.toISOString(),
          userId: who.userId(),
        },
      );
      admit(event, told && once(told));
    };

  return {
    page: make(page, true),
    track: make(track),
    identify: make((values, around) => {
      const [id, traits, options] = said(values);
      const all = who.identify(id, traits);
      return identify(all, options, { ...around, userId: who.userId() });
    }),
    group: make((values, around) => {
      const [id, traits, options] = said(values);
      return group(who.group(id, traits), options, around);
    }),
    alias: make(alias),
    setAnonymousId: ([value]) => {
      const id = idOf(value);
      if (id) who.choose(id, false);
      out.pump();
    },
    reset: () => {
      who.choose(uuid(), true);
      out.pump();
    },
    consent: gate.decide,
    ready: ([callback]) => {
      if (typeof callback !== "function") return;
      void out.ready.then(() => setTimeout(() => callback({ anonymousId: who.name(), userId: who.userId() })));
    },
  };
}

/** In a task of its own: its errors are the page's. */
function once(callback: () => void): () => void {
  let isTold = false;
  const tell = () => {
    if (!isTold) setTimeout(callback);
    isTold = true;
  };
  setTimeout(tell, TOLD_MS_MAX);
  return tell;
}
