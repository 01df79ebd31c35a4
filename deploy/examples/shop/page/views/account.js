// Signing up, in and out. There is no database: whoever names an address is that customer.

import * as events from "../events.js";
import { elements, html } from "../html.js";
import { account, enter, leave } from "../memory.js";
import { show } from "../router.js";

/** The shop's own id of a customer; a real shop has a number in a table. */
const idOf = (email) => `customer-${email.trim().toLowerCase().split("@")[0]}`;

const known = (who) =>
  elements(
    html`<h1>Hello, ${who.name || who.email}</h1><p>You are signed in as ${who.email}.</p><button type="button" id="sign-out">Sign out</button>`,
    {
      "click #sign-out": () => {
        events.signedOut();
        leave();
        changed();
      },
    },
  );

const stranger = () =>
  elements(
    html`<h1>Your account</h1><div class="two">
      <form class="sheet" id="sign-up"><h2>New here</h2>
        <div class="field"><label for="new-name">Name</label><input id="new-name" name="name" autocomplete="name" required></div>
        <div class="field"><label for="new-email">E-mail</label><input id="new-email" name="email" type="email" autocomplete="email" required data-stitchline-email></div>
        <button>Sign up</button></form>
      <form class="sheet" id="sign-in"><h2>Been here before</h2>
        <div class="field"><label for="known-email">E-mail</label><input id="known-email" name="email" type="email" autocomplete="username" required></div>
        <button class="quiet">Sign in</button></form></div>`,
    {
      "submit #sign-up": (event, form) => {
        event.preventDefault();
        become({ email: form.email.value, name: form.elements.name.value }, events.signedUp);
      },
      "submit #sign-in": (event, form) => {
        event.preventDefault();
        become({ email: form.email.value }, events.signedIn);
      },
    },
  );

function become(said, tell) {
  const who = { id: idOf(said.email), ...said };
  enter(who);
  tell(who);
  changed();
}

function changed() {
  dispatchEvent(new Event("account"));
  show();
}

export function accountView() {
  const who = account();
  return { title: "Account", content: who ? known(who) : stranger() };
}
