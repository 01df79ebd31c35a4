"""Small imitations of what consent managers put into a page, and the page with one of them and its adapter.

Each has `decide`: the visitor says yes to analytics alone, is asked again, says no to analytics, or is beyond all asking (all is
granted).
"""

from deploy.demo.javascript import CHECKOUT
from tests.pixel.site import snippet

ADAPTERS = CHECKOUT / "deploy" / "examples" / "consent"

TCF = """
  const heard = [];
  const data = (eventStatus, granted, gdprApplies = true) => ({eventStatus, gdprApplies,
    purpose: {consents: Object.fromEntries(granted.map((purpose) => [purpose, true]))}});
  window.__tcfapi = (command, version, callback) => {
    if (command !== "addEventListener" || version !== 2) throw new Error(command);
    heard.push(callback);
    callback(data("cmpuishown", []), true);
  };
  const tell = (...said) => heard.forEach((callback) => callback(data(...said), true));
  window.decide = {
    yes: () => tell("useractioncomplete", [1, 8, 9]),
    ask: () => tell("cmpuishown", [1, 8, 9]),
    no: () => tell("useractioncomplete", [1, 3, 4]),
    beyond: () => tell("tcloaded", [], false),
  };
"""
ONETRUST = """
  let isClosed = false;
  window.OneTrust = {IsAlertBoxClosed: () => isClosed};
  const tell = (detail) => dispatchEvent(new CustomEvent("OneTrustGroupsUpdated", {detail}));
  const close = (detail) => { isClosed = true; tell(detail); };
  addEventListener("load", () => tell(["C0001", "C0002", "C0004"]));
  window.decide = {
    yes: () => close(["C0001", "C0002"]),
    ask: () => 0,
    no: () => close(["C0001", "C0004"]),
    beyond: () => close(["C0001", "C0002", "C0004"]),
  };
"""
COOKIEBOT = """
  const consent = {necessary: true, statistics: false, marketing: false};
  window.Cookiebot = {consent, hasResponse: false};
  const tell = (name, statistics, marketing) => {
    Object.assign(consent, {statistics, marketing});
    Cookiebot.hasResponse = true;
    dispatchEvent(new Event(name));
  };
  addEventListener("load", () => dispatchEvent(new Event("CookiebotOnDialogDisplay")));
  window.decide = {
    yes: () => tell("CookiebotOnAccept", true, false),
    ask: () => 0,
    no: () => tell("CookiebotOnDecline", false, false),
    beyond: () => tell("CookiebotOnAccept", true, true),
  };
"""
MANAGERS = {
    # adapter -> the imitation, and whether it stands before the adapter
    "tcf.js": (TCF, True),
    "onetrust.js": (ONETRUST, False),
    "cookiebot.js": (COOKIEBOT, False),
}


def page_of(adapter: str, key: str, origin: str) -> str:
    """The page as the documentation has it: the snippet with its queue, the manager, the adapter."""
    imitation, comes_first = MANAGERS[adapter]
    own = [(ADAPTERS / name).read_text() for name in ("tell.js", adapter)]
    scripts = [imitation, *own] if comes_first else [*own, imitation]
    head = snippet(0, key, origin).replace('"/pixel.js"', f'"/pixel/{key}.js"')
    assert f"/pixel/{key}.js" in head
    return head + "".join(f"<script>{script}</script>" for script in scripts)
