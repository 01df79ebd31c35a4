// The root: takes over the stub that the site's snippet made, with the calls that were made before this script was there.
//
// Nothing here throws into the page, and no error of the page's own is caught. Absent: automatic events, consent, links.

import { delivery } from "./delivery.ts";
import { type Circumstances, type Fields, idOf, identify, page, track } from "./event.ts";
import { browserNow, pageNow, VERSION } from "./page.ts";
import { post } from "./transport.ts";
import { uuid, visitor } from "./visitor.ts";

type Values = unknown[];
type Early = [method: Method, values: ArrayLike<unknown>, when?: Date];
type Method = "page" | "track" | "identify" | "reset" | "ready";
type Calls = Record<Method, (values: Values, when: Date) => void>;

interface Stub extends Partial<Record<Method, (...values: Values) => void>> {
  key?: string;
  host?: string;
  version?: string;
  q?: { push: (early: Early) => void } | Early[];
}

const me = window as { stitchline?: Stub };
const script = document.currentScript as HTMLScriptElement | null;
const stub = (me.stitchline = me.stitchline || {});

if (!stub.version) start(stub, script);

function start(stub: Stub, script: HTMLScriptElement | null): void {
  const key = stub.key || script?.dataset.writeKey || "";
  const host = (stub.host || script?.src || "").replace(/\/([^/]*\.js.*)?$/, "");
  const calls = callsTo(host, key);
  const early = (stub.q as Early[] | undefined) || [];
  const run = ([method, values, when]: Early) => {
    try {
      calls[method](Array.from(values), when || new Date());
    } catch (error) {
      console.warn("stitchline:", error); // a value that is no JSON, for instance
    }
  };
  for (const method of Object.keys(calls) as Method[]) stub[method] = (...values) => run([method, values]);
  stub.version = VERSION;
  stub.q = { push: run }; // who kept a method of the stub still reaches us
  early.forEach(run);
}

function callsTo(host: string, key: string): Calls {
  const send = post(host);
  const who = visitor(send, key);
  const out = delivery(send, who, key);
  const browser = browserNow();

  const make = (build: (values: Values, around: Circumstances) => Fields) => (values: Values, when: Date) => {
    const id = uuid();
    const around = { page: pageNow(), context: browser, messageId: id, timestamp: when.toISOString(), userId: who.userId() };
    out.add({ id, json: JSON.stringify(build(values, around)), anonymousId: who.anonymousId() });
  };
  const identified = make(identify);

  addEventListener("pagehide", () => out.leave(true));
  addEventListener("pageshow", out.stay);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && out.leave(false));
  const met = out.start();

  return {
    page: make(page),
    track: make(track),
    identify: (values, when) => {
      const userId = idOf(values[0]);
      if (userId) who.identify(userId);
      identified(values, when);
    },
    reset: () => {
      who.reset();
      void out.pump();
    },
    ready: ([callback]) => {
      if (typeof callback !== "function") return;
      const visitorNow = () => ({ anonymousId: who.anonymousId() || who.said(), userId: who.userId() });
      void met.then(() => setTimeout(() => callback(visitorNow()))); // in a task of its own: its errors are the page's
    },
  };
}
