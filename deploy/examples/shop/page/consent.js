// Asks once, and whenever the visitor wants to be asked again. The pixel keeps the answer too; the shop keeps it to know
// whether it has asked.

import { consented } from "./events.js";
import { answer, answers } from "./memory.js";

const CHOICES = {
  all: { analytics: true, marketing: true },
  analytics: { analytics: true, marketing: false },
  none: { analytics: false, marketing: false },
};

export function ask() {
  const box = document.getElementById("consent");
  box.hidden = answers() !== null;
  document.getElementById("ask-again").addEventListener("click", () => {
    box.hidden = false;
    box.querySelector("button").focus();
  });
  for (const button of box.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const told = CHOICES[button.dataset.consent];
      answer(told);
      consented(told);
      box.hidden = true;
    });
  }
}
