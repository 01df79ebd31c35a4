// How the automatic events hear of things: passive, and without ever throwing into the page.

/** What goes wrong in ours is a line on the console, and nothing else. */
export function safe<Values extends unknown[]>(run: (...values: Values) => void): (...values: Values) => void {
  return (...values) => {
    try {
      run(...values);
    } catch (error) {
      console.warn("stitchline:", error);
    }
  };
}

/** Before the page's own listeners, so that none of them can keep it from us. */
export function listen<Kind extends Event = Event>(target: EventTarget, type: string, heard: (event: Kind) => void): void {
  target.addEventListener(type, safe(heard) as EventListener, { capture: true, passive: true });
}

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

/** What an event went through, from the innermost element on, also within open shadow trees. */
export const elementsOf = (event: Event): Element[] =>
  event.composedPath().filter((node): node is Element => node instanceof Element);

/** Main and middle button: both follow a link. */
export function onClick(heard: (event: MouseEvent) => void): void {
  listen(window, "click", heard);
  listen<MouseEvent>(window, "auxclick", (event) => event.button === 1 && heard(event));
}
