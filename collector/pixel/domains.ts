// One visitor on several domains of one owner: a link or form that leads from one to another says who comes, for two minutes.
//
// The parameter is put in at the moment of the click and taken out of the page again at once, so that no copied link has it; where it
// arrives it leaves the address bar before anything is told. It is believed only when the page before was one of the site's own
// domains: nobody can hand out an identity by a link.

import type { Api } from "./api.ts";
import { isHostIn } from "./conditions.ts";
import { elementsOf, listen, onClick } from "./dom.ts";

/*! if domains */
const PARAMETER = "_sl";
const FRESH_S = 120;
const ID_CHARS_MAX = 255;

export function domains(patterns: string[], api: Api): void {
  const isOther = (url: { protocol: string; hostname: string }) =>
    /^https?:$/.test(url.protocol) && url.hostname !== location.hostname && isHostIn(patterns, url.hostname);

  arrive(isOther, api);
  onClick((event) => {
    const link = elementsOf(event).find((element) => element.matches("a[href],area[href]")) as HTMLAnchorElement | undefined;
    if (link && isOther(link)) decorate(link, "href", link.href, api);
  });
  listen<SubmitEvent>(window, "submit", ({ target, submitter }) => {
    const form = target as HTMLFormElement;
    const said = (name: string) => submitter?.getAttribute(`form${name}`) || form.getAttribute(name) || "";
    const address = new URL(said("action"), document.baseURI);
    if (!isOther(address)) return;
    if (/post/i.test(said("method"))) {
      const isOwn = submitter?.hasAttribute("formaction");
      decorate(isOwn ? submitter as Element : form, isOwn ? "formaction" : "action", address.href, api);
    } else {
      enclose(form, api);
    }
  });
}

function arrive(isOther: (url: URL) => boolean, api: Api): void {
  const said = new URLSearchParams(location.search).get(PARAMETER);
  if (said === null) return;
  history.replaceState(history.state, "", told(location.href));
  const id = idIn(said, Date.now());
  if (id && document.referrer && isOther(new URL(document.referrer))) api.setAnonymousId(id);
}

/** The address with another parameter of ours, or without any. */
export function told(url: string, id = ""): string {
  const [, path, search = "", hash] = /^([^?#]*)\??([^#]*)(.*)$/.exec(url) as unknown as string[];
  const kept = search.split("&").filter((part) => part && !part.startsWith(`${PARAMETER}=`));
  if (id) kept.push(`${PARAMETER}=${encodeURIComponent(id)}`);
  return path + (kept.length ? "?" : "") + kept.join("&") + hash;
}

/** Seconds since 1970 in base 36, a dot, the id. */
export const said = (id: string, nowMs: number): string => `${Math.floor(nowMs / 1_000).toString(36)}.${id}`;

/** The id, when it was said just now; else "". */
export function idIn(value: string, nowMs: number): string {
  const [, time = "", id = ""] = /^([0-9a-z]{1,8})\.(.+)$/.exec(value) || [];
  const isFresh = Math.abs(nowMs / 1_000 - parseInt(time, 36)) <= FRESH_S;
  return isFresh && id.length <= ID_CHARS_MAX ? id : "";
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
