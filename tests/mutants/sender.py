"""Mutants of the sender and of who may apply: circuits, limits, redirects, private addresses, roles (docs/destinations.md)."""

from tests.mutants.mutant import Mutant

ROLES = "tests/schemas/configuration/test_roles.py"
TOKENS = "tests/deploy/applying/test_authority.py"
CIRCUIT = "tests/sinks/sending/test_circuit.py"
GATE = "tests/sinks/sending/test_sender_gate.py"
ADDRESSES = "tests/sinks/sending/test_sender_addresses.py"
OFFSETS = "tests/sinks/sending/test_sender_offsets.py"
OUTCOMES = "tests/sinks/sending/test_sender_outcomes.py"
HTTP = "tests/sinks/sending/test_sender_http.py"
REDIRECTS = "tests/sinks/sending/test_sender_redirects.py"
BREAKER = "sinks/sending/circuit.py"
SENT = "sinks/sending/sender_requests.py"
WAY = "sinks/sending/sender_gate.py"
GUARD = "sinks/sending/sender_addresses.py"
MARKED = "sinks/sending/sender_offsets.py"
MAY = "schemas/configuration/roles.py"

SENDER_MUTANTS = (
    # The sender.
    Mutant(
        "a circuit never opens",
        BREAKER,
        (
            ("circuit.failures >= rules.failures_max", "circuit.failures > rules.failures_max * 100"),
            ("seen >= rules.window_min and", "seen < 0 and"),
        ),
        (CIRCUIT,),
    ),
    Mutant(
        "an answer of before a circuit opened closes it",
        BREAKER,
        (
            (
                "def succeeded(circuit: Circuit, rules: Rules, era: int) -> Circuit:\n    if era != circuit.era:",
                "def succeeded(circuit: Circuit, rules: Rules, era: int) -> Circuit:\n    if era > circuit.era:",
            ),
        ),
        (CIRCUIT,),
    ),
    Mutant(
        "a circuit that opens again waits no longer",
        BREAKER,
        (("rules.pause_ms_min << min(circuit.openings, PAUSE_DOUBLINGS_MAX)", "rules.pause_ms_min"),),
        (CIRCUIT,),
    ),
    Mutant(
        "a half-open circuit lets all pass",
        BREAKER,
        (
            (
                "circuit.probes >= min(rules.probes_max, rules.probes_min - circuit.passed)",
                "circuit.probes > 1_000",
            ),
        ),
        (CIRCUIT, GATE),
    ),
    Mutant(
        "one more is on its way than may",
        WAY,
        (
            (
                "self.in_flight >= self._limits.concurrency_max",
                "self.in_flight > self._limits.concurrency_max",
            ),
        ),
        (GATE,),
    ),
    Mutant(
        "those that are sent away come back together",
        WAY,
        (("max(self._slot_ms + self._each_ms, first)", "first"),),
        (GATE,),
    ),
    Mutant(
        "an attempt that was under way at a crash is lost",
        MARKED,
        (("holes = [*self._pending, *unread]", "holes = unread"),),
        (OFFSETS,),
    ),
    Mutant(
        "what was done before a crash is done again",
        MARKED,
        (("offset < self._before.high and offset not in self._holes", "offset < self._before.floor"),),
        (OFFSETS,),
    ),
    Mutant(
        "a busy destination's 429 is a refusal",
        "sinks/sending/sender_outcomes.py",
        (("_PASSING = (408, 425, 429)", "_PASSING = (408, 425)"),),
        (OUTCOMES,),
    ),
    Mutant(
        "a webhook's 404 is final",
        "sinks/sending/sender_outcomes.py",
        ((' and kind != "webhook":', ":"),),
        (OUTCOMES,),
    ),
    Mutant(
        "a mapped address is judged as it is written",
        GUARD,
        (
            ("return address.ipv4_mapped or address.sixtofour", "return address.sixtofour"),
            ('"::ffff:0:0:0/96", ', ""),
        ),
        (ADDRESSES,),
    ),
    Mutant(
        "the metadata service of a cloud is public",
        GUARD,
        (('    "168.63.129.16/32",  # Azure: the platform\'s own services\n', ""),),
        (ADDRESSES,),
    ),
    Mutant(
        "shared addresses of providers are public",
        GUARD,
        (
            ('"100.64.0.0/10", ', ""),
            (
                "if address.is_multicast or not address.is_global:",
                "if address.is_multicast or address.is_private:",
            ),
        ),
        (ADDRESSES,),
    ),
    Mutant(
        "a name is judged once, before it is resolved",
        "sinks/sending/sender_connections.py",
        (("        if not may_connect(str(address[0])):\n            raise PrivateAddress\n", ""),),
        (ADDRESSES, REDIRECTS),
    ),
    Mutant(
        "a signature goes along to another host",
        SENT,
        (("if is_elsewhere and wire.is_secret:", "if is_elsewhere and wire.url.user:"),),
        (REDIRECTS,),
    ),
    Mutant(
        "a redirect leads from https to http",
        SENT,
        (('wire.url.scheme == "https" and url.scheme == "http"', "False"),),
        (REDIRECTS,),
    ),
    Mutant(
        "a template's header replaces the signature",
        SENT,
        (
            (
                '| {"content-type": "application/json"} | own | ours',
                '| {"content-type": "application/json"} | ours | own',
            ),
            ("if name not in SENDERS_HEADERS}", "if name}"),
        ),
        (HTTP,),
    ),
    Mutant(
        "a path leads out of the destination's own",
        SENT,
        (('part in (".", "..")', 'part in ("...",)'),),
        (HTTP,),
    ),
    # Who may apply.
    Mutant(
        "an editor deletes a project's rule",
        MAY,
        (
            (
                'or is of another level now; "" for neither."""\n',
                'or is of another level now; "" for neither."""\n    before = after\n',
            ),
        ),
        (ROLES,),
    ),
    Mutant(
        "a kind that nobody thought of is an editor's",
        MAY,
        (('ROLES.get(key.partition("/")[0], "admin")', 'ROLES.get(key.partition("/")[0], "editor")'),),
        (ROLES,),
    ),
    Mutant(
        "a revoked token applies",
        "deploy/applying/authority.py",
        (("if token.revoked_at:", "if token.revoked_at < 0:"),),
        (TOKENS,),
    ),
    Mutant(
        "a token of another deployment of the same name applies",
        "deploy/applying/authority.py",
        (("token is None or token.public_key != held.public_key", "token is None"),),
        (TOKENS,),
    ),
    Mutant(
        "an expired token applies",
        "deploy/applying/authority.py",
        (("if token.expires_at and at >= token.expires_at:", "if token.expires_at and at < 0:"),),
        (TOKENS,),
    ),
)
