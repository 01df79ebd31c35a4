// One visitor on several domains of one owner: a link or form that leads from one to another says who comes, for two minutes.
//
// The parameter is put in at the moment of the click and taken out of the page again at once, so that no copied link has it. Absent:
// what becomes of it where it arrives (handover.ts).

import type { Api } from "./api.ts";
import { listen } from "./dom.ts";
import { isOther, PARAMETER, said, told } from "./handover.ts";
import { elementsOf, onClick } from "./hearing.ts";

/*! if domains */
export function domains(patterns: string[], api: Api): void {
  onClick((event) => {
    const link = elementsOf(event).find((element) => element.matches("a[href],area[href]")) as HTMLAnchorElement | undefined;
    if (link && isOther(patterns, link)) decorate(link, "href", link.href, api);
  });
  listen<SubmitEvent>(window, "submit", ({ target, submitter }) => {
    const form = target as HTMLFormElement;
    const stated = (name: string) => submitter?.getAttribute(`form${name}`) || form.getAttribute(name) || "";
    const address = new URL(stated("action"), document.baseURI);
    if (!isOther(patterns, address)) return;
    if (/post/i.test(stated("method"))) {
      const isOwn = submitter?.hasAttribute("formaction");
      decorate(isOwn ? submitter as Element : form, isOwn ? "formaction" : "action", address.href, api);
    } else {
      enclose(form, api);
    }
  });
}

function decorate(element: Element, attribute: string, address: string, api: Api): void {
  const id = api.anonymousId();
  const before = element.getAttribute(attribute);
  if (!id) return;
  const ours = told(address, said(id, Date.now()));
  element.setAttribute(attribute, ours);
  setTimeout(() => {
    const now = element.getAttribute(attribute);
    if (now) element.setAttribute(attribute, now === ours ? before ?? told(now) : told(now)); // else it is the page's own since then
  });
}

/** The browser makes the query of such a form of its fields. */
function enclose(form: HTMLFormElement, api: Api): void {
  const id = api.anonymousId();
  if (!id) return;
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = PARAMETER;
  field.value = said(id, Date.now());
  form.appendChild(field);
  setTimeout(() => field.remove());
}
/*! end */
