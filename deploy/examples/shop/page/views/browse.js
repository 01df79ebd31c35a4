// Looking around: the home page, what a search finds, one product.

import { matching, money, OUTLET, PRODUCTS } from "../catalogue.js";
import * as events from "../events.js";
import { elements, html } from "../html.js";
import { change, isOutlet, offered } from "../memory.js";
import { picture } from "../picture.js";
import { go } from "../router.js";

const price = ({ cents, usual }) => html`<span class="price">${usual && html`<s>${money(usual)}</s>`}${money(cents)}</span>`;

const card = (product) => html`<li><article class="card" data-sku="${product.sku}">
  <a href="/product/${product.sku}">
    <div class="picture ${product.shape}">${picture(product)}</div>
    <div class="text"><h3>${product.name}</h3><p class="by">${product.brand}</p>${price(product)}</div>
  </a></article></li>`;

const shelf = (products) => html`<ul class="products">${products.map(card)}</ul>`;

const offers = () => (isOutlet ? OUTLET : PRODUCTS.map(({ sku }) => sku)).map(offered);

export function home() {
  const products = offers();
  events.listViewed(isOutlet ? "outlet" : "home", products);
  return {
    title: isOutlet ? "Outlet" : "",
    content: elements(html`
      <section class="hero">
        <div>
          <h1>${isOutlet ? "What is left over" : "Tea, and what to brew it in"}</h1>
          <p>${isOutlet ? "Last tins and pots of the season, for two thirds." : "From people who know which side of the hill it grew on."}</p>
          <a class="button" href="/product/${isOutlet ? "P-201" : "T-100"}" data-campaign="hero">See the favourite</a>
        </div>
        ${picture(offered(isOutlet ? "P-201" : "P-200"))}
      </section>
      <h2>${isOutlet ? "While they last" : "Everything we have"}</h2>
      ${shelf(products)}`),
  };
}

export function search(_, parameters) {
  const query = parameters.get("q") ?? "";
  const found = matching(query).map(({ sku }) => offered(sku));
  events.searched(query);
  return {
    title: `“${query}”`,
    content: elements(html`<h1>“${query}”</h1>
      <p>${found.length ? `${found.length} found` : "Nothing has all of these words. Fewer words find more."}</p>${shelf(found)}`),
  };
}

export function product(sku) {
  const found = offered(sku);
  if (!found) return missing();
  events.productViewed(found);
  const content = elements(
    html`<article class="product" data-sku="${found.sku}">
      <div class="picture ${found.shape}">${picture(found)}</div>
      <div>
        <h1>${found.name}</h1>
        <p class="by">${found.brand} · ${found.category}</p>
        <p>${found.about}</p>
        <p>${price(found)}</p>
        <form class="row add">
          <label for="quantity">Quantity</label>
          <select id="quantity" name="quantity">${[1, 2, 3, 4].map((number) => html`<option>${number}</option>`)}</select>
          <button>Into the cart</button>
          <button type="button" class="quiet" data-wish="${found.sku}">Remember it</button>
        </form>
        <p role="status" class="said notice"></p>
        <section class="listen"><h2>How it sounds</h2><p class="by">Six seconds by the kettle.</p>
          <audio controls preload="metadata" src="/kettle.wav" title="The kettle"></audio></section>
      </div>
    </article>`,
    {
      "submit .add": (event, form) => {
        event.preventDefault();
        const quantity = Number(form.quantity.value);
        const cart = change(found.sku, quantity);
        events.added(found, quantity, cart);
        dispatchEvent(new Event("cart"));
        content.querySelector(".said").innerHTML = html`In the cart. <a href="/cart">Go to the cart</a>`;
      },
      "click [data-wish]": () => {
        content.querySelector(".said").textContent = "We will remember it for you.";
      },
    },
  );
  return { title: found.name, content };
}

export const missing = () => ({
  title: "Not found",
  content: elements(html`<h1>Nothing is here</h1><p>This address leads nowhere in the shop. <a href="/">Back to the teas</a></p>`),
});

export function searchForm(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(`/search?q=${encodeURIComponent(form.q.value)}`);
  });
}
