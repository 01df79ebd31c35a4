// What all adapters end in: the answers by category, told to the pixel, which may still be on its way. The consent manager keeps
// them itself and is asked anew on each page, so the pixel stores nothing of them.

window.stitchlineConsent = (answers) => {
  const pixel = (window.stitchline = window.stitchline || {});
  const told = [answers, { remember: false }];
  if (pixel.consent) pixel.consent(...told);
  else (pixel.q = pixel.q || []).push(["consent", told, new Date(), location.href]);
};
