// A script that does all at once keeps the page's own work waiting.

import { safe } from "./dom.ts";

/** Each step in a task of its own. Returns what does at once all that is left. */
export function inTasks(steps: (() => void)[]): () => void {
  const one = () => {
    const step = steps.shift();
    if (!step) return false;
    safe(step)();
    return true;
  };
  const go = () => {
    if (one()) setTimeout(go);
  };
  setTimeout(go);
  return () => {
    while (one());
  };
}
