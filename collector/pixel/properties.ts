// What an automatic event says besides its name: constants, and what is read from the page at that moment.
//
// A field is read only where a definition asks for it by name, and never when it may hold a secret: by its type, by what it is called
// or what the browser is told to fill in, and by what it holds.

import type { Definition, Taken } from "./conditions.ts";
import type { Fields, Page } from "./event.ts";

type Read = (said: Taken, element: Element, page: Page) => string | boolean | null | undefined;

/*! if properties */
const TEXT_CHARS_MAX = 500;

export function properties({ properties: wanted = {} }: Definition, element: Element, page: Page): Fields {
  const found: Fields = {};
  for (const [name, said] of Object.entries(wanted)) {
    found[name] = typeof said === "object" ? taken(said, element, page) : said; // undefined is left out in JSON
  }
  return found;
}

function taken(said: Taken, element: Element, page: Page): unknown {
  let read: Read = ofElement;
  /*! if place */
  if (said.page || said.query || said.meta) read = ofPage;
  /*! end */
  const value = read(said, element, page);
  if (value == null || typeof value === "boolean") return value ?? undefined;
  const text = value.replace(/\s+/g, " ").trim().slice(0, TEXT_CHARS_MAX);
  if (said.as) return text && Number.isFinite(+text) ? +text : undefined;
  return text;
}

/*! if place */
function ofPage(said: Taken, _: Element, page: Page): string | null | undefined {
  if (said.page) return said.page === "host" ? location.hostname : page[said.page];
  if (said.query) return new URLSearchParams(page.search).get(said.query);
  const metas = Array.from(document.getElementsByTagName("meta"));
  return metas.find((meta) => [meta.name, meta.getAttribute("property")].includes(said.meta as string))?.content;
}
/*! end */

function ofElement({ of, attribute, field }: Taken, element: Element): string | boolean | null | undefined {
  const near = of ? element.closest(of) || element.querySelector(of) || document.querySelector(of) : element;
  if (!near) return undefined;
  /*! if field */
  if (field) return valueOf((near.closest("form") || near.querySelector("form"))?.elements.namedItem(field));
  /*! end */
  return attribute ? near.getAttribute(attribute) : near.textContent;
}

/*! if field */
const SECRET_NAME = /pass(w|c|ph|\b|[\d_-])|pwd|secret|token|otp(\b|[\d_-])|card.?n|cc.?n|\bcc-|cvv|cvc|iban|security.?code|one-time|\bpin\b|\bssn\b/i;
const CARD_NUMBER = /(\d[ .-]?){13}/;

type Field = HTMLInputElement;

function valueOf(named: Element | RadioNodeList | null | undefined): string | boolean | undefined {
  const field = (named instanceof RadioNodeList ? named[0] : named) as Field | null | undefined;
  if (!field || isSecret(field)) return undefined;
  if (field.type === "checkbox" && field === named) return field.checked;
  const { value } = named as Field;
  return typeof value !== "string" || CARD_NUMBER.test(value) ? undefined : value;
}

const isSecret = ({ type, name, id, autocomplete }: Field): boolean =>
  /password|file/.test(type) || SECRET_NAME.test([name, id, autocomplete].join(" "));
/*! end */
/*! end */
