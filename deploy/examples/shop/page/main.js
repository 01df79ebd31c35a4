// The shop's start: what stands around the content, and which address shows what.

import { ask } from "./consent.js";
import { account, cart, isOutlet } from "./memory.js";
import { start } from "./router.js";
import { accountView } from "./views/account.js";
import { home, missing, product, search, searchForm } from "./views/browse.js";
import { cartView, checkout, thanks } from "./views/buy.js";
import { journal, letter } from "./views/read.js";

const settings = JSON.parse(document.getElementById("settings").textContent);

function around() {
  document.getElementById("cart-count").textContent = cart().count;
  document.getElementById("account-link").textContent = account() ? "Account" : "Sign in";
}

document.body.classList.toggle("is-outlet", isOutlet);
const elsewhere = document.querySelector(".outlet-link");
if (isOutlet) [elsewhere.href, elsewhere.textContent] = [`${settings.shop}/`, "The whole shop"];

addEventListener("cart", around);
addEventListener("account", around);
around();
ask();
searchForm(document.querySelector(".search"));

document.getElementById("newsletter").addEventListener("submit", (event) => {
  event.preventDefault();
  event.target.reset();
  event.target.querySelector(".said").textContent = "Thank you. The next one comes with the next harvest.";
});

start([
  [/^\/$/, home],
  [/^\/search$/, search],
  [/^\/product\/([^/]+)$/, product],
  [/^\/cart$/, cartView],
  [/^\/checkout$/, checkout],
  [/^\/thanks$/, thanks],
  [/^\/account$/, accountView],
  [/^\/journal$/, journal],
  [/^\/letter$/, () => letter(settings.links)],
  [/^/, missing],
]);
