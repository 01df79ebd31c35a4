"""The mutants: mistakes that this kind of software is known for, each as a small change to the code that does it right."""

from tests.mutants.firings import FIRING_MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.rules import RULE_MUTANTS
from tests.mutants.segments import SEGMENT_MUTANTS
from tests.mutants.sender import SENDER_MUTANTS

P = "tests/processors"
STORIES, GROUPING = f"{P}/identity/test_stories.py", f"{P}/test_grouping.py"
ORDERS, STABILITY = f"{P}/identity/test_orders_and_order.py", f"{P}/identity/test_stability.py"
FORGETTING, CRASHES, BOUNDS = f"{P}/test_forgetting.py", f"{P}/test_crashes.py", f"{P}/test_bounds.py"

WHO = "processors/identity"
FOREST, TIMELINE, RULINGS = (
    f"{WHO}/forest.py",
    f"{WHO}/timeline.py",
    f"{WHO}/rulings.py",
)
IDENTITY, KNOWN, ORDERED, FACTS = (
    f"{WHO}/identity.py",
    f"{WHO}/known.py",
    f"{WHO}/orders.py",
    f"{WHO}/facts.py",
)
RESOLVE, MENTIONS = "processors/resolver/resolve.py", "processors/events/mentions.py"

MUTANTS = (
    # Time and order.
    Mutant(
        "arrival time instead of event time",
        FACTS,
        (("previous, event.times.happened,", "previous, event.packed.received_at,"),),
        (STORIES, GROUPING),
    ),
    Mutant(
        "an address belongs to who claimed it last",
        FOREST,
        (("return link[0], link[1], rank(link[2])", "return link[0], -link[1], rank(link[2])"),),
        (STORIES, GROUPING),
    ),
    Mutant(
        "whoever was linked first stays linked",
        IDENTITY,
        (("sent_owners=[] if", "sent_owners=known.sent_owners if known.sent_owners else [] if"),),
        (STORIES, GROUPING),
    ),
    Mutant(
        "a link keeps the time at which it was first seen, not its earliest",
        FOREST,
        (
            (
                "if fact.target != BOUNDARY and fact.time < targets.get(fact.target, fact.time + 1):",
                "if fact.target != BOUNDARY and fact.target not in targets:",
            ),
        ),
        (STORIES, GROUPING),
    ),
    Mutant(
        "a link that was sent is not sent again with an earlier time",
        KNOWN,
        (("first = earliest is None or fact.time < earliest", "first = earliest is None"),),
        (STORIES, GROUPING),
    ),
    Mutant(
        "only the last login of a device is kept on its timeline",
        FOREST,
        (("sorted(stamps)[-STAMPS_MAX:]", "sorted(stamps)[-1:]"),),
        (STORIES, GROUPING),
    ),
    Mutant(
        "visits are backfilled for five minutes only",
        TIMELINE,
        (
            (
                "        segments.append((0, owner))\n",
                "        segments.append((max(0, start - 300_000), owner))\n",
            ),
            (
                "    return segments or [(0, node)]\n",
                "    return [(0, node), *segments] if segments else [(0, node)]\n",
            ),
        ),
        (STORIES, GROUPING),
    ),
    # Who beats whom.
    Mutant(
        "what a link claims beats what a call asserts, at an address",
        FOREST,
        (
            (
                "return link[0], link[1], rank(link[2])",
                "return {1: 2, 2: 1}.get(link[0], link[0]), link[1], rank(link[2])",
            ),
        ),
        (STORIES, GROUPING),
    ),
    Mutant(
        "what a link claims beats what a call asserts, at a device",
        TIMELINE,
        (("    if any(_is_assertion(claim) for claim in known):\n", "    if not known:\n"),),
        (STORIES, GROUPING),
    ),
    Mutant(
        "what is derived counts like what was asserted",
        FOREST,
        (
            (
                "strength = MERGED if type_of(target) == type_of(first) else DERIVED",
                "strength = MERGED if type_of(target) == type_of(first) else ASSERTED",
            ),
        ),
        (STORIES, GROUPING),
    ),
    Mutant(
        "people of one address are merged, whoever they are",
        FOREST,
        (
            (
                "group, key = (merged, target) if strength == MERGED else",
                "group, key = (merged, target) if strength <= CLAIMED else",
            ),
        ),
        (STORIES, GROUPING),
    ),
    Mutant(
        "two users of one device are bridged",
        TIMELINE,
        (
            (
                "if target == BOUNDARY or current.get(kind, (target, 0))[0] != target:",
                "if target == BOUNDARY:",
            ),
        ),
        (STORIES, GROUPING),
    ),
    Mutant(
        "what was known before a logout is bridged to what comes after it",
        TIMELINE,
        (
            (
                "if target == BOUNDARY or current.get(kind, (target, 0))[0] != target:",
                "if target != BOUNDARY and current.get(kind, (target, 0))[0] != target:",
            ),
        ),
        (STORIES, GROUPING),
    ),
    Mutant(
        "after a logout the device stays whose it was",
        TIMELINE,
        (("            gap = time if gap is None and segments else gap\n", "            gap = None\n"),),
        (STORIES, GROUPING),
    ),
    # Whose ids they are.
    Mutant(
        "the e-mail of a group is its caller's",
        MENTIONS,
        (('if event.packed.type == "identify":', 'if event.packed.type in ("identify", "group"):'),),
        (f"{P}/identity/test_facts.py", f"{P}/resolver/test_resolve.py", STORIES),
    ),
    Mutant(
        "no id is blocked",
        "processors/events/blocked.py",
        (
            (
                "    bare = value.strip(_QUOTES)\n",
                "    bare = value.strip(_QUOTES) or value\n    return not bare\n",
            ),
        ),
        (STORIES, GROUPING),
    ),
    # Messages, versions, state.
    Mutant(
        "an older word of a node replaces its newer one",
        FOREST,
        (("if any(derived[target][via][0] >= derivation.version for target in before):", "if False:"),),
        (f"{P}/identity/test_forest.py", GROUPING),
    ),
    Mutant(
        "pointers have no version",
        IDENTITY,
        (
            (
                'self.version_base + state.changes,\n            "is_deleted"',
                'self.version_base,\n            "is_deleted"',
            ),
        ),
        (STORIES, GROUPING),
    ),
    Mutant(
        "what is not derived any more is not taken back",
        IDENTITY,
        (("for to in sorted(known.targets() | told.keys()):", "for to in sorted(told.keys()):"),),
        (STORIES, GROUPING),
    ),
    Mutant(
        "state is persisted before its outputs are published",
        "runtime/streams/part.py",
        (
            (
                "        mark = self._transactions.commit(outgoing,",
                "        self._store.write(state, self._store.mark)\n        mark = self._transactions.commit(outgoing,",
            ),
        ),
        ("tests/runtime/test_part.py",),
    ),
    # Orders.
    Mutant(
        "an unlink takes back what is there and lets later events link again",
        RULINGS,
        (
            ("    gone = set(state.rulings.unlinked)\n", "    gone = set[int]()\n"),
            ("id_of, target, time))", "id_of, target, time) and id_of(target) not in rulings.unlinked)"),
        ),
        (ORDERS, FORGETTING),
    ),
    Mutant(
        "what was forgotten is let in again",
        RULINGS,
        (("fact in facts if not _is_forgotten(rulings, id_of, fact.target, fact.time)]", "fact in facts]"),),
        (ORDERS, FORGETTING),
    ),
    Mutant(
        "what other nodes derive is not forgotten",
        RULINGS,
        (("                if not _is_forgotten(rulings, id_of, target, said[0])\n", ""),),
        (ORDERS, FORGETTING),
    ),
    Mutant(
        "the last order to forget replaces an earlier one that reached further",
        RULINGS,
        (("until = max(until, moment)", "until = moment"),),
        (ORDERS, FORGETTING),
    ),
    Mutant(
        "a forgotten device keeps its logins",
        RULINGS,
        (("in state.stamps if keeps(stamp[1], stamp[0])", "in state.stamps"),),
        (ORDERS, FORGETTING),
    ),
    Mutant(
        "a person who returns is not linked again",
        KNOWN,
        (("if times[0] > until}", "}"),),
        (ORDERS, FORGETTING),
    ),
    Mutant(
        "events are erased from the beginning of time",
        ORDERED,
        (
            (
                "any(since <= time <= until for since, until in self.erased)",
                "any(time <= until for since, until in self.erased)",
            ),
        ),
        (ORDERS, FORGETTING),
    ),
    Mutant(
        "an erased event is stored when it is sent again",
        ORDERED,
        (("is not NOTHING and ordered.erases(time)", "is NOTHING and False"),),
        (ORDERS, FORGETTING),
    ),
    Mutant(
        "an erased logout does not end its device's session",
        RESOLVE,
        (("if fact.target == BOUNDARY])", "if False])"),),
        (FORGETTING, ORDERS),
    ),
    Mutant(
        "a suppressed id still is one",
        ORDERED,
        (("replace(before, is_suppressed=True)", "replace(before, is_suppressed=False)"),),
        (ORDERS,),
    ),
    *SEGMENT_MUTANTS,
    *RULE_MUTANTS,
    *FIRING_MUTANTS,
    *SENDER_MUTANTS,
)
