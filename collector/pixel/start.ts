// Puts the modules together, and the calls into the page's object.
//
// What is to be done at the start is done in several short tasks, and what only some pages need (parts.ts) is asked for after that.
// Nothing here throws into the page, and no error of the page's own is caught.

import { admission } from "./admission.ts";
import type { Api, Gate, Parts } from "./api.ts";
import { BATCH, type Config, VISITOR } from "./config.ts";
import { gateOf } from "./consent.ts";
import { type Delivery, delivery } from "./delivery.ts";
import { listen, safe } from "./dom.ts";
import { alias, type Circumstances, type Fields, group, idOf, identify, page, said, track } from "./event.ts";
import { handedOver } from "./handover.ts";
import { type Log, logOf } from "./log.ts";
import { browserNow, landingNow, pages, VERSION } from "./page.ts";
import { type Storage, storage } from "./storage.ts";
import { inTasks } from "./tasks.ts";
import { beacon, post } from "./transport.ts";
import { uuid } from "./uuid.ts";
import { views } from "./views.ts";
import { NAME, type Visitor, visitor } from "./visitor.ts";

type Values = unknown[];
type Method = "page" | "track" | "identify" | "group" | "alias" | "reset" | "ready" | "setAnonymousId" | "consent";
type Call = (values: Values, when: Date, href?: string) => void;
type Calls = Record<Method, Call>;
type Early = [method: Method, values: ArrayLike<unknown>, when?: Date | undefined, href?: string | undefined];
type Admit = ReturnType<typeof admission>["admit"];

export interface Stub extends Partial<Record<Method, (...values: Values) => void>> {
  version?: string;
  q?: { push: (early: Early) => void } | Early[];
}

const TOLD_MS_MAX = 300; // a callback often leads to another page: it does not wait for a slow network

export const METHODS = "page track identify group alias setAnonymousId reset ready consent".split(" ") as Method[];

export const start = safe((stub: Stub, host: string, config: Config, load?: () => Promise<Parts>): void => {
  if (stub.version) return;
  stub.version = VERSION;
  const early = (stub.q as Early[] | undefined) || [];
  const isAhead = (document as { prerendering?: boolean }).prerendering; // made ready before anybody has asked for it
  const [, , called, landing = landingNow()] = early[0] || [];
  const log = load && logOf();
  let pixel: ReturnType<typeof assembled>;

  let finish: (() => void) | undefined; // once the page is seen
  const begin = () => (finish = inTasks([
    () => (pixel = assembled(host, config, landing)),
    () => {
      if (config.pages || log) pixel.look((!isAhead && called) || new Date(), log);
      for (const [method, values, when, href] of early) pixel.call([method, values, isAhead ? undefined : when, href]);
    },
    () => pixel.out.start(),
    () => load && log && follow(load(), log, config, { track: stub.track, identify: stub.identify, anonymousId: pixel.name } as Api),
  ]));
  const run = (one: Early) => {
    if (!finish) return void early.push(one);
    finish(); // an event is the values of the moment of its call
    pixel.call(one);
  };
  if (isAhead) listen(document, "prerenderingchange", begin);
  else begin();
  for (const method of METHODS) stub[method] = safe((...values) => run([method, values]));
  stub.q = { push: safe(run) }; // who kept a method of the stub still reaches us
  addEventListener("pagehide", safe(() => {
    if (!finish) return;
    finish();
    pixel.out.leave(true);
  }));
});

/** The parts begin in a task of their own, too. */
function follow(parts: Promise<Parts>, { follow }: Log, config: Config, api: Omit<Api, "follow">): void {
  const begin = ({ automatic, default: more }: Parts) => setTimeout(safe(() => automatic({ ...config, ...more }, { ...api, follow })));
  parts.then(begin).catch(() => follow(() => undefined)); // the browser has told why
}

function assembled(host: string, config: Config, landing: string) {
  const { paths = {}, pages: isTold, domains } = config;
  const gate = gateOf(config, safe(() => changed()));
  const isKnown = () => gate.mode() === "send";
  const kept = storage(isKnown);
  const send = post(host);
  const who = visitor(send, paths.visitor || VISITOR, config.key, kept, isKnown);
  const out = delivery({ post: send, beacon: beacon(host), path: paths.batch || BATCH, writeKey: config.key }, who, kept);
  const door = admission(gate, out, who.anonymousId);
  const calls = callsTo(who, out, gate, door.admit, landing);
  let count = 0; // of page views, whoever made them
  let was = gate.mode();

  const call = safe(([method, values, when = new Date(), href]: Early) => {
    if (method === "page") count++;
    calls[method](Array.from(values), when, href);
  });
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
  const look = (began: Date, log: Log | undefined) => {
    let told = 0; // before this view
    views({
      began: (page, when) => {
        told = count;
        if (log) log.tell({ view: "began", page, when });
      },
      settled: (page, when, isLoaded) => {
        // Of the page that was loaded more is known than its address of now. Not beside a call of the site's own.
        if (isTold && told === count) call(["page", isLoaded ? [{}, { timestamp: when }] : [page, { timestamp: when, context: { page } }]]);
        if (log) log.tell({ view: "settled", page, when, isLoaded });
      },
    }, began);
  };

  clean(gate, kept);
  listenFor(out);
  const id = handedOver(domains);
  if (id) call(["setAnonymousId", [id]]);
  return { call, look, out, name: who.name };
}

function clean(gate: Gate, kept: Storage): void {
  const mode = gate.mode();
  if (mode === "send") kept.merge(NAME);
  else if (mode !== "wait") kept.forget();
}

function listenFor(out: Delivery): void {
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
