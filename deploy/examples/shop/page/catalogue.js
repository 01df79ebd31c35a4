// What the shop sells. Prices are in cents, so that no sum is ever 0.30000000000000004.

export const CURRENCY = "EUR";

const tea = (sku, name, brand, cents, colour, about) => ({ sku, name, brand, cents, colour, about, category: "Tea", shape: "tin" });
const pot = (sku, name, brand, cents, colour, about) => ({ sku, name, brand, cents, colour, about, category: "Pots", shape: "pot" });

export const PRODUCTS = [
  tea("T-100", "First Flush Darjeeling", "Hill House", 1450, "#d7a94b", "Picked in March, light as a spring morning; muscat and cut grass."),
  tea("T-101", "Smoked Lapsang", "Pine & Fire", 1190, "#7d5a46", "Dried over pine wood. For rainy days and strong cheese."),
  tea("T-102", "Sencha of Uji", "Green Field", 1680, "#7da453", "Steamed for half a minute, no longer. Brew it at 70 °C."),
  tea("T-103", "White Peony", "Hill House", 2100, "#cfc6a2", "Two leaves and a bud, withered in the shade."),
  tea("T-104", "Rooibos & Orange", "Red Bush", 890, "#c65f33", "No caffeine at all, and a peel of orange in every cup."),
  pot("P-200", "Stone Pot, 0.7 l", "Kiln Nine", 6400, "#58707a", "Keeps warm for an hour. Every glaze is different."),
  pot("P-201", "Glass Pot, 1 l", "Clear", 3900, "#9fc0bd", "Shows what the leaves do. The sieve comes out."),
  pot("P-202", "Cast Iron Pot, 0.5 l", "Black Hill", 8900, "#2f3639", "Heavy, and it will outlive us all."),
];

// The outlet has what is left over, for two thirds.
export const OUTLET = ["T-101", "T-104", "P-201"];

export const productOf = (sku) => PRODUCTS.find((product) => product.sku === sku);

export const outletPrice = (cents) => Math.round((cents * 2) / 3);

export const money = (cents) => `${(cents / 100).toFixed(2)} €`;

export function matching(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (product) => `${product.name} ${product.brand} ${product.category} ${product.about}`.toLowerCase();
  return PRODUCTS.filter((product) => words.every((word) => text(product).includes(word)));
}
