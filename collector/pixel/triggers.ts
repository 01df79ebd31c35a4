// Clicks and submitted forms: one listener for each kind, whatever the number of definitions and whenever elements are added.
// A click in an element that stands in another one counts for each definition once, with the innermost element that it names. So does
// one on a label, which the browser follows up at once with a click of its own on the label's field.

import type { Definition } from "./conditions.ts";
import { elementsOf, hearWithin, onClick } from "./hearing.ts";
import type { Fields } from "./event.ts";

/** Makes the event, if the page is one of the definition's. */
export type Fire = (definition: Definition, element?: Element, more?: Fields) => void;

/*! if click */
export function clicks(definitions: Definition[], fire: Fire, isOwn: (host: string) => boolean): void {
  if (!definitions.length) return;
  let labelled: Element | null | undefined; // the field that the browser clicks within this task
  const counted = new Set<Definition>(); // by the click on its label
  onClick((event) => {
    const elements = elementsOf(event);
    if (labelled !== elements[0]) counted.clear();
    const label = elements.find((one) => one.matches("label")) as HTMLLabelElement | undefined;
    labelled = label?.control !== elements[0] ? label?.control : undefined; // a click on the field itself is the last
    setTimeout(() => (labelled = undefined));
    for (const definition of definitions) {
      const element = elements.find((one) => one.matches(definition.selector as string));
      if (!element || counted.has(definition)) continue;
      counted.add(definition);
      /*! if outbound */
      if (definition.outbound) {
        const link = element.closest<HTMLAnchorElement>("a[href]");
        if (link && /^http/.test(link.protocol) && !isOwn(link.hostname)) fire(definition, element, { url: link.href });
        continue;
      }
      /*! end */
      fire(definition, element);
    }
  });
}
/*! end */

/*! if submit */
/** Whether or not the page then sends it itself. What fields hold is read only where a definition asks for it. */
export function submits(definitions: Definition[], fire: Fire): void {
  if (!definitions.length) return;
  hearWithin("submit", (event) => {
    const form = event.composedPath()[0] as Element;
    for (const definition of definitions) if (form.matches(definition.selector as string)) fire(definition, form);
  });
}
/*! end */
