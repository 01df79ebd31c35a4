"""When what waits for Kafka is sent, once nothing is on its way: as soon as as many requests wait as were answered last. Pure.

Whoever waits for an answer before they ask again comes again at once, and so do all that were answered together: when as many
are here, nobody else is to be expected, and nobody has waited in vain. Where requests come of themselves, as those of many
browsers do, the number grows until the time limit ends the waiting (publisher.py), so that packs are as large as the rate makes
them. One large pack costs Kafka, and whoever reads it, much less than several small ones (docs/benchmarks.md).
"""


class Gathering:
    """`expected` is how many requests are waited for; one that comes alone never waits for more than itself."""

    def __init__(self) -> None:
        self.expected = 0

    def sent(self, requests: int, *, beside_others: bool) -> None:
        """What is on its way at one time is answered at about one time."""
        self.expected = requests + (self.expected if beside_others else 0)

    def is_complete(self, requests: int) -> bool:
        return requests >= self.expected
