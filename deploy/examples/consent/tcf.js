// IAB Transparency and Consent Framework 2.2: any consent manager that has `__tcfapi`. Put tell.js and this behind its own script.
// A category is granted when all of its purposes are; where the GDPR does not apply to the visitor, all are.

(() => {
  // The framework's purposes: 1 store on a device, 3 and 4 personalised advertising, 8 measure content, 9 understand audiences.
  const PURPOSES = { analytics: [1, 8, 9], marketing: [1, 3, 4] };

  const heard = (data, isSuccess) => {
    // "cmpuishown": the visitor is being asked, and nothing has been decided (anew) yet.
    if (!isSuccess || (data.gdprApplies !== false && data.eventStatus === "cmpuishown")) return;
    const consents = (data.purpose && data.purpose.consents) || {};
    const isGranted = (purposes) => data.gdprApplies === false || purposes.every((purpose) => consents[purpose] === true);
    const answers = {};
    for (const [category, purposes] of Object.entries(PURPOSES)) answers[category] = isGranted(purposes);
    window.stitchlineConsent(answers);
  };

  window.__tcfapi("addEventListener", 2, heard);
})();
