// How the pixel hears of things without ever throwing into the page; passively, and before the page's own listeners.

const FIRST = { capture: true, passive: true };

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

/** Before the page's own listeners, so that none of them can keep it from us. Returns what ends it. */
export function listen<Kind extends Event = Event>(target: EventTarget, type: string, heard: (event: Kind) => void): () => void {
  const ours = safe(heard) as EventListener;
  target.addEventListener(type, ours, FIRST);
  return () => target.removeEventListener(type, ours, FIRST);
}
