// Cookiebot: put tell.js and this before its own script. Its events come at each page's start for whoever has decided, and after each decision.

(() => {
  const CATEGORIES = { analytics: "statistics", marketing: "marketing" };

  const heard = () => {
    const { Cookiebot } = window;
    if (!Cookiebot || !Cookiebot.hasResponse) return;
    const answers = {};
    for (const [category, name] of Object.entries(CATEGORIES)) answers[category] = Cookiebot.consent[name];
    window.stitchlineConsent(answers);
  };

  for (const name of ["CookiebotOnAccept", "CookiebotOnDecline"]) addEventListener(name, heard);
})();
