// What the products look like, drawn: a tin or a pot in the product's colour.

import { Markup } from "./html.js";

const tin = (colour) => `
  <rect x="52" y="46" width="96" height="128" rx="10" fill="${colour}"/>
  <rect x="46" y="34" width="108" height="22" rx="8" fill="#33413b"/>
  <rect x="66" y="84" width="68" height="62" rx="6" fill="#fdf9ef"/>
  <path d="M100 138c-20-12-16-34 4-44 6 18 4 34-4 44z" fill="${colour}"/>
  <path d="M100 138c0-16 8-26 22-28-2 14-8 24-22 28z" fill="${colour}" opacity=".6"/>`;

const pot = (colour) => `
  <ellipse cx="100" cy="176" rx="74" ry="8" fill="#20302a" opacity=".12"/>
  <path d="M146 96c30-6 34 40-4 48" fill="none" stroke="${colour}" stroke-width="12"/>
  <path d="M60 98 24 58l-16 4 40 78z" fill="${colour}"/>
  <path d="M46 108a54 54 0 0 1 108 0c0 42-22 66-54 66s-54-24-54-66z" fill="${colour}"/>
  <path d="M60 92a42 18 0 0 1 80 0z" fill="#fff" opacity=".22"/>
  <circle cx="100" cy="48" r="9" fill="${colour}"/>`;

export const picture = ({ shape, colour, name }) =>
  new Markup(`<svg viewBox="0 0 200 200" role="img" aria-label="${name.replace(/[&<"]/g, "")}">${{ tin, pot }[shape](colour)}</svg>`);
