// The way to an order: the cart, the checkout, the thanks.

import { money } from "../catalogue.js";
import * as events from "../events.js";
import { elements, html } from "../html.js";
import { account, bill, cart, change, isCoupon, order, useCoupon } from "../memory.js";
import { go, show } from "../router.js";

let placed = null; // for the page of thanks, once

const row = ({ product, quantity }) => html`<tr data-sku="${product.sku}">
  <td><a href="/product/${product.sku}">${product.name}</a></td><td class="number">${quantity}</td>
  <td class="number">${money(product.cents * quantity)}</td>
  <td><button type="button" class="plain remove" value="${product.sku}" aria-label="Remove ${product.name}">Remove</button></td></tr>`;

const sums = ({ discountCents, coupon, shippingCents, totalCents }) => html`
  ${discountCents > 0 && html`<tr><td colspan="2">Coupon ${coupon}</td><td class="number">−${money(discountCents)}</td><td></td></tr>`}
  <tr><td colspan="2">Shipping</td><td class="number">${shippingCents ? money(shippingCents) : "free"}</td><td></td></tr>
  <tr><td colspan="2">Total</td><td class="number" id="total">${money(totalCents)}</td><td></td></tr>`;

export function cartView() {
  const filled = cart();
  events.cartViewed(filled);
  if (!filled.count) return { title: "Cart", content: elements(html`<h1>Your cart</h1><p>It is empty. <a href="/">Look at the teas</a></p>`) };
  const content = elements(
    html`<h1>Your cart</h1>
      <table>
        <thead><tr><th scope="col">What</th><th scope="col" class="number">How many</th><th scope="col" class="number">Price</th><th><span class="unseen">Remove</span></th></tr></thead>
        <tbody>${filled.lines.map(row)}</tbody><tfoot>${sums(bill(filled))}</tfoot>
      </table>
      <form class="row coupon">
        <label for="coupon">Coupon</label><input id="coupon" name="coupon" placeholder="LEAF10" autocomplete="off"><button class="quiet">Use it</button>
        <span role="status" class="said"></span>
      </form>
      <a class="button" href="/checkout">To the checkout</a>`,
    {
      "click .remove": (_, { value }) => {
        const line = filled.lines.find(({ product }) => product.sku === value);
        events.removed(line.product, line.quantity, change(value, -line.quantity));
        dispatchEvent(new Event("cart"));
        show();
      },
      "submit .coupon": (event, form) => {
        event.preventDefault();
        const coupon = form.coupon.value.trim().toUpperCase();
        if (!isCoupon(coupon)) {
          content.querySelector(".said").textContent = "We do not know this one.";
          return;
        }
        useCoupon(coupon);
        events.couponApplied(coupon, bill(cart()).discountCents, cart());
        show();
      },
    },
  );
  return { title: "Cart", content };
}

const field = (name, label, more) => html`<div class="field"><label for="${name}">${label}</label><input id="${name}" name="${name}" required ${more}></div>`;

export function checkout() {
  const filled = cart();
  if (!filled.count) return cartView();
  events.checkoutStarted(filled);
  const { totalCents } = bill(filled);
  const content = elements(
    html`<h1>Checkout</h1>
      <form class="sheet" id="checkout" data-total="${totalCents / 100}">
        <div class="field"><label for="email">E-mail</label>
          <input id="email" name="email" type="email" autocomplete="email" required value="${account()?.email}" data-stitchline-email></div>
        ${field("name", "Name", html`autocomplete="name"`)} ${field("street", "Street and number", html`autocomplete="street-address"`)}
        ${field("city", "Postcode and town", html`autocomplete="address-level2"`)}
        <p class="notice">This is an example: nothing is sent anywhere, and nobody is charged.</p>
        <button>Order for ${money(totalCents)}</button>
      </form>`,
    {
      "submit form": (event) => {
        event.preventDefault();
        events.stepCompleted(1, filled);
        placed = order();
        events.orderCompleted(placed);
        dispatchEvent(new Event("cart"));
        go("/thanks");
      },
    },
  );
  return { title: "Checkout", content };
}

export function thanks() {
  const content = placed
    ? html`<h1>Thank you!</h1><p>Your order <strong id="order">${placed.id}</strong> over ${money(placed.totalCents)} is with us.</p>`
    : html`<h1>Thank you!</h1>`;
  return { title: "Thank you", content: elements(html`${content}<p><a href="/letter">The mail that you get now</a> · <a href="/">Back to the shop</a></p>`) };
}
