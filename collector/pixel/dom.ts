// How the pixel hears of things without ever throwing into the page; the automatic events passively, and before the page's own listeners.

/** Whatever a page does to the language, it hears nothing of it from us: what goes wrong in ours is a line on the console. */
export function safe<Values extends unknown[]>(run: (...values: Values) => void): (...values: Values) => void {
  return (...values) => {
    try {
      run(...values);
    } catch (error) {
      console.warn("stitchline:", error); // a value that is no JSON, for instance
    }
  };
}

/*! if automatic */
/** Before the page's own listeners, so that none of them can keep it from us. */
export function listen<Kind extends Event = Event>(target: EventTarget, type: string, heard: (event: Kind) => void): void {
  target.addEventListener(type, safe(heard) as EventListener, { capture: true, passive: true });
}
/*! end */

/*! if submit emails */
/** Also of what happens in shadow trees and is not heard outside: they are met when something in them gets the focus. */
export function listenWithin<Kind extends Event = Event>(type: string, heard: (event: Kind) => void): void {
  const met = new WeakSet<EventTarget>();
  listen(window, type, heard);
  listen(window, "focusin", (event) => {
    for (const node of event.composedPath()) {
      if (!(node instanceof ShadowRoot) || met.has(node)) continue;
      met.add(node);
      listen(node, type, heard);
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
  listen(window, "click", heard);
  listen<MouseEvent>(window, "auxclick", (event) => event.button === 1 && heard(event));
}
/*! end */
