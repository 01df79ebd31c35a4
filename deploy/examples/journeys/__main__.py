"""`python -m deploy.examples.journeys`: print what the rules of journeys.yaml deliver, until Ctrl-C.

export JOURNEYS_SECRET=whsec_...              # as in the environment of `stitchline up`
python -m deploy.examples.journeys
"""

import argparse
import os
import sys
import threading
import time
from contextlib import suppress

import msgspec

from deploy.examples.journeys.receive import Delivery, Receiver, receiving

PORT = 8095
SECRET = "JOURNEYS_SECRET"  # noqa: S105 - the variable's name


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.examples.journeys",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"where it listens, as the destination says (default: {PORT})"
    )
    options = parser.parse_args()
    secret = os.environ.get(SECRET)
    if not secret:
        parser.error(f"{SECRET} is not set: it is the secret that the deliveries are signed with")
    with receiving(Receiver(secret, time.time, _print), options.port) as url:  # noqa: TID251 - the root's clock
        sys.stdout.write(f"listening at {url}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


def _print(delivery: Delivery) -> None:
    sys.stdout.write(f"{delivery.id}  {msgspec.json.encode(delivery.body).decode()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
