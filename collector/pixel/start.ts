// Puts the parts together, and the calls into the page's object.
//
// Nothing here throws into the page, and no error of the page's own is caught.

import type { Api, Gate } from "./api.ts";
import { automatic } from "./automatic.ts";
import { BATCH, type Config, VISITOR } from "./config.ts";
import { gateOf } from "./consent.ts";
import { type Delivery, delivery } from "./delivery.ts";
import { type Circumstances, type Fields, idOf, identify, page, track } from "./event.ts";
import { browserNow, pageNow, VERSION } from "./page.ts";
import { post } from "./transport.ts";
import { uuid, type Visitor, visitor } from "./visitor.ts";

type Values = unknown[];
type Method = "page" | "track" | "identify" | "reset" | "ready" | "setAnonymousId" | "consent";
type Calls = Record<Method, (values: Values, when: Date) => void>;
type Early = [method: Method, values: ArrayLike<unknown>, when?: Date];

export interface Stub extends Partial<Record<Method, (...values: Values) => void>> {
  version?: string;
  q?: { push: (early: Early) => void } | Early[];
}

export function start(stub: Stub, host: string, config: Config): void {
  if (stub.version) return;
  const send = post(host);
  const who = visitor(send, config.paths?.visitor || VISITOR, config.key);
  const out = delivery(send, config.paths?.batch || BATCH, who, config.key);
  const gate = gateOf(config, () => void out.pump());
  const calls = callsTo(who, out, gate);
  const early = (stub.q as Early[] | undefined) || [];
  const run = ([method, values, when]: Early) => {
    try {
      calls[method](Array.from(values), when || new Date());
    } catch (error) {
      console.warn("stitchline:", error); // a value that is no JSON, for instance
    }
  };
  const call = (method: Method) => (stub[method] = (...values: Values) => run([method, values]));
  for (const method of Object.keys(calls) as Method[]) call(method);
  stub.version = VERSION;
  stub.q = { push: run }; // who kept a method of the stub still reaches us
  const api: Api = {
    page: call("page"),
    track: call("track"),
    identify: call("identify"),
    setAnonymousId: call("setAnonymousId"),
    anonymousId: () => who.anonymousId() || who.said(),
    mode: gate.mode,
    began: early[0]?.[2] || new Date(),
  };
  automatic(config, api);
  early.forEach(run);
}

function callsTo(who: Visitor, out: Delivery, gate: Gate): Calls {
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
    setAnonymousId: ([id]) => {
      const chosen = idOf(id);
      if (!chosen) return;
      who.choose(chosen);
      void out.pump();
    },
    reset: () => {
      who.reset();
      void out.pump();
    },
    consent: gate.decide,
    ready: ([callback]) => {
      if (typeof callback !== "function") return;
      const visitorNow = () => ({ anonymousId: who.anonymousId() || who.said(), userId: who.userId() });
      void met.then(() => setTimeout(() => callback(visitorNow()))); // in a task of its own: its errors are the page's
    },
  };
}
