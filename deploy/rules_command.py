"""The command `stitchline rules`: the process that runs them."""

import os


def rules() -> None:
    """Run one worker of the rules: what they match, what they wait for, what they send."""
    from processors.rules_worker import run

    run(os.environ)
