// Content as elements: `html` takes values in as text, so that nothing anybody typed becomes markup.

export class Markup extends String {}

const escaped = (value) => String(value).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

const text = (value) => {
  if (value instanceof Markup) return value;
  if (Array.isArray(value)) return value.map(text).join("");
  return value === undefined || value === null || value === false ? "" : escaped(value);
};

/** Markup that may stand in other markup. */
export const html = (parts, ...values) => new Markup(String.raw({ raw: parts }, ...values.map(text)));

/** The elements of it, with listeners: {"click .more": (event, element) => …}. */
export function elements(markup, listeners = {}) {
  const box = document.createElement("div");
  box.innerHTML = markup;
  box.className = "view";
  for (const [what, listener] of Object.entries(listeners)) {
    const [type, ...selector] = what.split(" ");
    for (const element of box.querySelectorAll(selector.join(" "))) element.addEventListener(type, (event) => listener(event, element));
  }
  return box;
}
