"""Mutants of what becomes of a firing: its moves, its retries, for whom it is, and who may be written to (docs/rules.md)."""

from tests.mutants.mutant import Mutant

ACTIONS, AGAIN = "tests/processors/actions/test_actions_agent.py", "tests/processors/actions/test_retries.py"
MACHINE = "tests/processors/actions/test_firing_machine.py"
OPTING = "tests/schemas/rules/test_suppression.py"
MOVES = "processors/actions/firing_moves.py"
RETRIES = "processors/actions/retries.py"
AGENT = "processors/actions/actions_agent.py"
OPT_OUTS = "schemas/rules/suppression.py"

FIRING_MUTANTS = (
    # What becomes of a firing.
    Mutant(
        "an answer to an earlier attempt counts",
        MOVES,
        (("result.attempt != state.attempt or ", ""),),
        (ACTIONS, MACHINE),
    ),
    Mutant(
        "each attempt is made anew from its templates",
        MOVES,
        (("        if not state.first_at:\n            try:", "        if True:\n            try:"),),
        (ACTIONS, MACHINE),
    ),
    Mutant(
        "a firing that comes again fires again",
        AGENT,
        (("if known is None or has_come_back:", "if not isinstance(known, FiringState):"),),
        (MACHINE, ACTIONS),
    ),
    Mutant(
        "rules set each other off for ever",
        AGENT,
        (("firing.refused or firing.hops > HOPS_MAX", "firing.refused"),),
        (ACTIONS,),
    ),
    Mutant(
        "what is given up leaves no dead letter",
        MOVES,
        (
            (
                "        self.outputs.append(undelivered_record(state, why, detail, self.now, self._outside.partitions))\n",
                "",
            ),
        ),
        (ACTIONS,),
    ),
    Mutant(
        "who is forgotten stays in the record of their firing",
        "processors/actions/firing_records.py",
        (("is_named = shown.reason != FORGOTTEN", "is_named = True"),),
        (ACTIONS,),
    ),
    Mutant(
        "a destination's wish for a pause is not heard",
        RETRIES,
        (('f"{firing_id}/{tried}"), wish_ms)', 'f"{firing_id}/{tried}"), 0)'),),
        (AGAIN,),
    ),
    Mutant(
        "all that failed comes back at once",
        RETRIES,
        (
            (
                'part = int.from_bytes(blake2b(seed.encode(), digest_size=4).digest(), "big") / _PARTS',
                "part = 0.5",
            ),
        ),
        (AGAIN,),
    ),
    Mutant(
        "pauses do not grow",
        RETRIES,
        (("PAUSES_MS[min(tried, len(PAUSES_MS)) - 1]", "PAUSES_MS[0]"),),
        (AGAIN,),
    ),
    # For whom: the confirmation, and who opted out.
    Mutant(
        "an opt-out counts for the other channel's campaigns alone",
        OPT_OUTS,
        (
            (
                "if opt_out.channel not in channels_asked(rule.level):",
                "if opt_out.channel in channels_asked(rule.level):",
            ),
        ),
        (OPTING,),
    ),
    Mutant(
        "an opt-out of one campaign is one of all",
        OPT_OUTS,
        (("not opt_out.campaigns or (", "True or ("),),
        (OPTING,),
    ),
    Mutant(
        "a list of another workspace keeps a rule back",
        OPT_OUTS,
        ((" or opt_out.workspace != rule.workspace", ""),),
        (OPTING,),
    ),
)
