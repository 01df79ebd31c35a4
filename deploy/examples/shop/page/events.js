// Everything that the shop tells by code, in one place: the ecommerce specification's events, and who signs in.
// What is not here (page views, clicks, forms, scrolling, time, sound, arrivals) the pixel sees by itself: shop.yaml says what.

import { CURRENCY } from "./catalogue.js";

// The snippet in the page's head made it, whether or not the script has come, and even if it never comes.
const pixel = () => window.stitchline;

const units = (cents) => cents / 100;

const described = ({ sku, name, brand, category, cents }) => ({ product_id: sku, sku, name, brand, category, price: units(cents), currency: CURRENCY });

const lines = (cart) => cart.lines.map(({ product, quantity }) => ({ ...described(product), quantity }));

const whole = (cart) => ({ cart_id: cart.id, value: units(cart.cents), currency: CURRENCY, products: lines(cart) });

export const searched = (query) => pixel().track("Products Searched", { query });

export const listViewed = (list, products) =>
  pixel().track("Product List Viewed", { list_id: list, category: list, products: products.map((product, at) => ({ ...described(product), position: at + 1 })) });

export const productViewed = (product) => pixel().track("Product Viewed", { ...described(product), value: units(product.cents) });

export const added = (product, quantity, cart) => pixel().track("Product Added", { cart_id: cart.id, ...described(product), quantity });

export const removed = (product, quantity, cart) => pixel().track("Product Removed", { cart_id: cart.id, ...described(product), quantity });

export const cartViewed = (cart) => pixel().track("Cart Viewed", whole(cart));

export const couponApplied = (coupon, cents, cart) =>
  pixel().track("Coupon Applied", { cart_id: cart.id, coupon_id: coupon, coupon_name: coupon, discount: units(cents) });

export const checkoutStarted = (cart) => pixel().track("Checkout Started", { checkout_id: cart.id, ...whole(cart) });

export const stepCompleted = (step, cart) => pixel().track("Checkout Step Completed", { checkout_id: cart.id, step });

export const orderCompleted = (order) =>
  pixel().track("Order Completed", {
    order_id: order.id,
    checkout_id: order.id,
    total: units(order.totalCents),
    subtotal: units(order.cents),
    discount: units(order.discountCents),
    shipping: units(order.shippingCents),
    ...(order.coupon && { coupon: order.coupon }),
    currency: CURRENCY,
    products: lines(order),
  });

// The user id is the shop's own; here it is made of the address, since the shop has no database.
export const signedUp = ({ id, email, name }) => {
  pixel().identify(id, { email, name, created_at: new Date().toISOString() });
  pixel().track("Signed Up", { method: "form" });
};

export const signedIn = ({ id, email }) => {
  pixel().identify(id, { email });
  pixel().track("Signed In");
};

/** Whoever uses this browser next is somebody else until they say who they are. */
export const signedOut = () => {
  pixel().track("Signed Out");
  pixel().reset();
};

export const consented = (answers) => pixel().consent(answers);
