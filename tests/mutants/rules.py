"""Mutants of rules, up to what limits them: what such programs get wrong elsewhere (docs/rules.md says what is right)."""

from tests.mutants.mutant import Mutant

TRIGGERS = "tests/processors/rules/test_triggers.py"
LISTS = "tests/processors/contacts/test_contact_triggers.py"
ABSENT = "tests/processors/rules/test_rule_absences.py"
LIMITS = "tests/processors/rules/test_rule_limits.py"
ACTIONS = "tests/processors/actions/test_actions_agent.py"
MACHINE = "tests/processors/actions/test_firing_machine.py"
QUIET = "tests/processors/actions/test_quiet_hours.py"
LEVELS = "tests/schemas/rules/test_rule_levels.py"
MATCHING = "processors/rules/rule_matching.py"
ABSENCES = "processors/rules/rule_absences.py"
CAPS = "processors/actions/firing_caps.py"
MOVES = "processors/actions/firing_moves.py"
GATED = "processors/actions/firing_gate.py"
QUOTA = "processors/actions/rule_quota.py"
HOURS = "processors/actions/quiet_hours.py"
SCOPE = "schemas/rules/rule_levels.py"
MARK = "schemas/contacts/contact_mark.py"

RULE_MUTANTS = (
    # How an event is matched.
    Mutant(
        "a switch that is null switches off",
        MATCHING,
        (("integrations[switch] is False", "not integrations[switch]"),),
        (TRIGGERS,),
    ),
    Mutant(
        "who is named is switched off with all others",
        MATCHING,
        (
            (
                "    if switch in integrations:\n        return integrations[switch] is False\n",
                "    if integrations.get(switch) is False:\n        return True\n",
            ),
        ),
        (TRIGGERS,),
    ),
    Mutant(
        "consent to one of the categories is enough",
        MATCHING,
        (("rule.consent.issubset(", "not rule.consent or rule.consent.intersection("),),
        (TRIGGERS,),
    ),
    Mutant(
        "a bot fires what ends nothing",
        MATCHING,
        (
            (
                'record["device"]["is_bot"] and not rule.takes_bots',
                'record["device"]["is_bot"] and asked.role == ENDS',
            ),
        ),
        (TRIGGERS,),
    ),
    Mutant(
        "an event fires again when it is sent again",
        MATCHING,
        (
            (
                'name = record["message_id"] if change is not None else _lineage(record)',
                "name = _lineage(record)",
            ),
        ),
        (LISTS,),
    ),
    Mutant(
        "a made-up contact event fires rules of contacts",
        MATCHING,
        (("(change is not None or rule.kind != CONTACT) and ", ""),),
        (LISTS,),
    ),
    Mutant(
        "several events of one millisecond are several visits",
        MATCHING,
        (('_occurrence(view, record["session_id"], event,', "_occurrence(view, _lineage(record), event,"),),
        (TRIGGERS,),
    ),
    Mutant(
        "anybody makes genuine changes of lists",
        MARK,
        (("message_id_of(found, hash_key) == event.message_id", "found"),),
        (LISTS,),
    ),
    # Levels.
    Mutant(
        "a campaign's rule fires for every mailer",
        SCOPE,
        (("(not place.campaign or place.campaign != rule.object)", "not place.campaign"),),
        (LEVELS,),
    ),
    Mutant(
        "an opt-out list's rule fires for every list",
        SCOPE,
        (("bool(place.list) and place.list == rule.object", "bool(place.list)"),),
        (LEVELS,),
    ),
    Mutant(
        "a rule that is tried out replaces the live one",
        SCOPE,
        (('for rule in rules if rule.mode == "live" for name', "for rule in rules for name"),),
        (LEVELS,),
    ),
    Mutant(
        "a mailer is looked up in any workspace",
        SCOPE,
        (('mailers.get(f"{MAILER}{workspace}/{mailer}")', 'mailers.get(f"{MAILER}main/{mailer}")'),),
        (LEVELS,),
    ),
    # Absence.
    Mutant(
        "an absence fires a moment before its time",
        ABSENCES,
        (("wait.is_waiting and wait.due_at <= now", "wait.is_waiting and wait.due_at - 1_000 <= now"),),
        (ABSENT,),
    ),
    Mutant(
        "a late start starts anew",
        ABSENCES,
        (
            (
                "(by.time, by.id) <= (before.started, before.occurrence)",
                "(by.time, by.id) == (before.started, before.occurrence)",
            ),
        ),
        (ABSENT,),
    ),
    Mutant(
        "what ends an absence is forgotten with a later start",
        ABSENCES,
        (
            (
                "ended_at, timed_at = before.ended_at, before.timed_at",
                "ended_at, timed_at = 0, before.timed_at",
            ),
        ),
        (ABSENT,),
    ),
    Mutant(
        "what was done with the start ends the wait",
        ABSENCES,
        (
            ("not wait.started < time <= wait.due_at", "not wait.started <= time <= wait.due_at"),
            ("self.ended_at <= self.started", "self.ended_at < self.started"),
        ),
        (ABSENT,),
    ),
    Mutant(
        "an absence fires twice",
        ABSENCES,
        (
            (
                "return not self.has_fired and self.ended_at <= self.started",
                "return self.ended_at <= self.started",
            ),
        ),
        (ABSENT,),
    ),
    # Limits.
    Mutant(
        "two firings exactly a stretch apart are within it",
        CAPS,
        (("each > since) >= cap.max", "each >= since) >= cap.max"),),
        (LIMITS, MACHINE),
    ),
    Mutant("a cap lets one more through", CAPS, ((">= cap.max", "> cap.max"),), (LIMITS,)),
    Mutant(
        "once is forgotten with the next version",
        CAPS,
        (
            (
                "{rule.rule}\\0{rule.mode == 'test'}",
                "{rule.rule}{firing.rule_version}\\0{rule.mode == 'test'}",
            ),
        ),
        (LIMITS,),
    ),
    Mutant("tests use up the caps of live firings", CAPS, (("{rule.mode == 'test'}\\0", ""),), (LIMITS,)),
    Mutant(
        "what was never sent keeps its place among the caps",
        MOVES,
        (
            (
                "if shown.state == words.REFUSED and state.slot_at and not state.first_at:",
                "if not state.slot_at and state.first_at:",
            ),
        ),
        (LIMITS,),
    ),
    Mutant(
        "a repeated claim takes another one of a quota",
        QUOTA,
        (("if known := self._state.get(answered):", "if (known := self._state.get(answered)) and now < 0:"),),
        (MACHINE, LIMITS),
    ),
    Mutant("a quota lets one more through", QUOTA, (("count >= claim.max", "count > claim.max"),), (LIMITS,)),
    Mutant(
        "quiet hours that go over midnight are never quiet",
        HOURS,
        (("else at >= start or at < end", "else at >= start and at < end"),),
        (QUIET,),
    ),
    Mutant(
        "the minute in which quiet hours end is quiet",
        HOURS,
        (("start <= at < end if", "start <= at <= end if"),),
        (QUIET,),
    ),
    Mutant(
        "an hour that comes twice is quiet once",
        HOURS,
        (("for fold in (0, 1))", "for fold in (0, 0))"),),
        (QUIET,),
    ),
    Mutant(
        "what waited is sent without another look", GATED, (("state.must_ask or", "False and"),), (LIMITS,)
    ),
    Mutant(
        "what comes too late is sent all the same",
        GATED,
        (("if now > not_after(state, limits):", "if now > not_after(state, limits) + 3_600_000 * 24:"),),
        (LIMITS, ACTIONS),
    ),
)
