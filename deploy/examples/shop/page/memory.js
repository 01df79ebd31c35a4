// What the shop itself keeps in the browser: the cart, who is signed in, what was answered about privacy.

import { outletPrice, productOf } from "./catalogue.js";

export const isOutlet = location.hostname.startsWith("outlet.");

const read = (name, otherwise) => {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise; // forbidden, or somebody else's text
  }
};

const write = (name, value) => {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // forbidden: the shop forgets with the page
  }
};

const newId = (letter) => letter + Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => (byte % 36).toString(36)).join("").toUpperCase();

/** A product as it is sold here. */
export function offered(sku) {
  const product = productOf(sku);
  return product && isOutlet ? { ...product, usual: product.cents, cents: outletPrice(product.cents) } : product;
}

export function cart() {
  const { id, items = {}, coupon = "" } = read("shop.cart", { id: newId("C-") });
  const lines = Object.entries(items).map(([sku, quantity]) => ({ product: offered(sku), quantity }));
  const cents = lines.reduce((sum, { product, quantity }) => sum + product.cents * quantity, 0);
  return { id, items, coupon, lines, cents, count: lines.reduce((sum, { quantity }) => sum + quantity, 0) };
}

/** `quantity` more of it, or fewer; the cart as it then is. */
export function change(sku, quantity) {
  const { id, items, coupon } = cart();
  const left = (items[sku] ?? 0) + quantity;
  const { [sku]: _, ...others } = items;
  write("shop.cart", { id, coupon, items: left > 0 ? { ...others, [sku]: left } : others });
  return cart();
}

export function useCoupon(coupon) {
  const { id, items } = cart();
  write("shop.cart", { id, items, coupon });
}

const COUPONS = { LEAF10: 10 }; // percent
const SHIPPING_CENTS = 490;
const FREE_FROM_CENTS = 5_000;

export const isCoupon = (text) => text in COUPONS;

export function bill({ lines, cents, coupon, count, id }) {
  const discountCents = Math.round((cents * (COUPONS[coupon] ?? 0)) / 100);
  const shippingCents = cents - discountCents >= FREE_FROM_CENTS ? 0 : SHIPPING_CENTS;
  return { cartId: id, lines, cents, coupon, count, discountCents, shippingCents, totalCents: cents - discountCents + shippingCents };
}

/** The cart becomes an order, and is empty. */
export function order() {
  const made = { id: newId("O-"), ...bill(cart()) };
  write("shop.cart", null);
  return made;
}

export const account = () => read("shop.account", null);
export const enter = (who) => write("shop.account", who);
export const leave = () => write("shop.account", null);

export const answers = () => read("shop.consent", null);
export const answer = (told) => write("shop.consent", told);
