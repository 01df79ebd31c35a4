// E-mails that are typed into forms or fields which the site has marked with data-stitchline-email: they identify the visitor, where
// the source has asked for that. Nothing else of a form is looked at.
//
// Taken when the form is submitted; a mark with the value "change" says: as soon as the field is left. Hashed addresses need a secure
// page (https, localhost), and are hashed while they are typed, so that nothing is to be waited for when the page goes.

import type { Api } from "./api.ts";
import { hear, hearWithin } from "./hearing.ts";
import { hexOf } from "./uuid.ts";

/*! if emails */
const MARK = "data-stitchline-email";
const SHAPE = /^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/;
const ADDRESS = `[${MARK}],[type=email],[autocomplete~=email],[name=email]`;

export function emails(how: "plain" | "sha256" | undefined, api: Api): void {
  if (!how) return;
  const hashes = new Map<string, string>();
  let told = "";

  const tell = (value: string) => {
    const address = addressIn(value);
    if (!address || address === told) return;
    told = address;
    if (how === "plain") api.identify({ email: value.trim() });
    else hash(address, (email_sha256) => api.identify({ email_sha256 }));
  };

  const hash = (address: string, use: (hash: string) => void) => {
    const known = hashes.get(address);
    if (known) return use(known);
    void crypto.subtle?.digest("SHA-256", new TextEncoder().encode(address)).then((bytes) => {
      const hex = hexOf(new Uint8Array(bytes));
      hashes.set(address, hex);
      use(hex);
    });
  };

  hearWithin("submit", (event) => {
    const field = fieldOf(event.composedPath()[0] as HTMLFormElement);
    if (field) tell(field.value);
  });
  hearWithin("change", (event) => {
    const field = marked(event);
    if (field && markOf(field) === "change") tell(field.value);
  });
  if (how === "sha256") {
    hear(window, "input", (event) => {
      const address = addressIn(marked(event)?.value || "");
      if (address) hash(address, () => {});
    });
  }
}

/** Trimmed and in lower case, when it has the shape of one. */
export function addressIn(value: string): string {
  const address = value.trim().toLowerCase();
  return SHAPE.test(address) ? address : "";
}

/** The field that the event comes from, if its e-mail may be taken. */
function marked(event: Event): HTMLInputElement | undefined {
  const field = event.composedPath()[0] as HTMLInputElement;
  const form = field.form;
  return field.hasAttribute(MARK) || (form && field === fieldOf(form)) ? field : undefined;
}

/** A form's field for the address: one that is marked itself, or in a form that is marked the first one for e-mails. */
function fieldOf(form: HTMLFormElement): HTMLInputElement | undefined {
  const fields = Array.from(form.elements) as HTMLInputElement[];
  const own = fields.find((field) => field.hasAttribute(MARK));
  return own || (form.hasAttribute(MARK) ? fields.find((field) => field.matches(ADDRESS)) : undefined);
}

const markOf = (field: HTMLInputElement): string | null | undefined => field.getAttribute(MARK) ?? field.form?.getAttribute(MARK);
/*! end */
