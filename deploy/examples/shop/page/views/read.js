// Pages to be read: the journal, long enough to scroll, and a mail as the shop sends it.

import { elements, html } from "../html.js";
import { account, offered } from "../memory.js";
import { picture } from "../picture.js";

const CHAPTERS = [
  ["Water", "Soft water lets the leaf speak; hard water talks over it. If your kettle grows a white crust, a filter does more for your tea than a dearer tea does.", "P-201"],
  ["Heat", "Green tea wants seventy degrees, oolong ninety, black tea all that you have. Without a thermometer: let boiled water stand for five minutes.", "P-200"],
  ["Time", "Two minutes for what was picked in spring, four for what was picked in autumn. What has become bitter does not become better by sugar.", "T-100"],
  ["Leaf", "A heaped spoon for each cup, and none for the pot, whatever your aunt says. Good leaves take a second cup, and the second is often the better one.", "T-102"],
  ["Fire", "Lapsang is dried over burning pine. It smells of a camp fire since that is what it was.", "T-101"],
];

export const journal = () => ({
  title: "Journal",
  content: elements(html`<article class="story"><h1>Five things about a cup of tea</h1>
    ${CHAPTERS.map(([name, text, sku]) => html`<section><h2>${name}</h2><p>${text}</p>
      <figure>${picture(offered(sku))}<figcaption><a href="/product/${sku}">${offered(sku).name}</a></figcaption></figure></section>`)}
    <p id="end">That is all. The rest is drinking.</p></article>`),
});

/** `links` come from the server, which has what signs them (serve.py): they go through the collector, and say whose they are. */
export const letter = (links) => {
  const who = account();
  return {
    title: "A mail from us",
    content: elements(html`<p>So the shop writes. Open the link in another browser: it will be the same person's.</p>
      <div class="mail"><dl><dt>From</dt><dd>Kettle &amp; Leaf</dd><dt>To</dt><dd>${who?.email ?? "ann@shop.example"}</dd><dt>About</dt><dd>The spring harvest is here</dd></dl>
        <p>Good morning${who?.name ? `, ${who.name}` : ""},</p><p>the first Darjeeling of the year came in last night. You should smell our stairs.</p>
        ${picture(offered("T-100"))}
        <p><a class="button" id="mail-link" href="${links.spring}" target="_blank" rel="noopener">Look at the spring harvest</a></p></div>`),
  };
};
