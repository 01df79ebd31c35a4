// How the parts hear of what visitors do: from now on by listeners of their own, and of what was before by the log (log.ts).

import { listen, safe } from "./dom.ts";
import type { Happening } from "./log.ts";

/*! if automatic */
const hearers = new Map<string, ((event: Event) => void)[]>(); // of the whole window

export function hear<Kind extends Event = Event>(target: EventTarget, type: string, heard: (event: Kind) => void): void {
  listen(target, type, heard);
  if (target === window) hearers.set(type, [...(hearers.get(type) || []), safe(heard as (event: Event) => void)]);
}

/** What has gone through the page already knows its way no more: it comes as an event that does. */
export function hearAgain({ event, path }: Happening): void {
  const { type, button, submitter } = event as MouseEvent & SubmitEvent;
  const past = { type, button, submitter, target: path?.[0], composedPath: () => path } as unknown as Event;
  for (const heard of hearers.get(type) || []) heard(past);
}
/*! end */

/*! if submit emails */
/** Also of what happens in shadow trees and is not heard outside: they are met when something in them gets the focus. */
export function hearWithin<Kind extends Event = Event>(type: string, heard: (event: Kind) => void): void {
  const met = new WeakSet<EventTarget>();
  hear(window, type, heard);
  hear(window, "focusin", (event) => {
    for (const node of event.composedPath()) {
      if (!(node instanceof ShadowRoot) || met.has(node)) continue;
      met.add(node);
      hear(node, type, heard);
    }
  });
}
/*! end */

/*! if click domains */
/** What an event went through, from the innermost element on, also within open shadow trees. */
export const elementsOf = (event: Event): Element[] =>
  event.composedPath().filter((node): node is Element => node instanceof Element);

/** Main and middle button: both follow a link. */
export function onClick(heard: (event: MouseEvent) => void): void {
  hear(window, "click", heard);
  hear<MouseEvent>(window, "auxclick", (event) => event.button === 1 && heard(event));
}
/*! end */
