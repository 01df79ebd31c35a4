// OneTrust: put tell.js and this before its own script. It says at each page's start, and after each change, which groups are active;
// as long as the visitor has not closed the banner, these are only defaults.

(() => {
  const GROUPS = { analytics: "C0002", marketing: "C0004" };

  addEventListener("OneTrustGroupsUpdated", ({ detail }) => {
    const { OneTrust } = window;
    if (!OneTrust || !OneTrust.IsAlertBoxClosed()) return;
    const answers = {};
    for (const [category, group] of Object.entries(GROUPS)) answers[category] = detail.includes(group);
    window.stitchlineConsent(answers);
  });
})();
