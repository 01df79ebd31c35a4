"""`python -m deploy.examples.shop`: serve the example shop on this machine until Ctrl-C.

    stitchline up                                             # in another terminal
    stitchline apply deploy/examples/shop/shop.yaml
    python -m deploy.examples.shop

Names below .localhost lead to this machine by themselves, in Chromium and in Firefox.
"""

import argparse
import sys
import threading
from contextlib import suppress

from deploy.examples.shop.serve import Shop, listening, serving

PORT = 8090


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.examples.shop",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = Shop()
    parser.add_argument("--port", type=int, default=PORT, help=f"where the shop listens (default: {PORT})")
    parser.add_argument("--collector", default=usual.collector, help=f"default: {usual.collector}")
    parser.add_argument("--key", default=usual.key, help=f"the source's write key (default: {usual.key})")
    options = parser.parse_args()
    with listening(options.port) as server:
        port = server.server_port
        shop = Shop(
            shop=f"http://shop.localhost:{port}",
            outlet=f"http://outlet.localhost:{port}",
            collector=options.collector.rstrip("/"),
            key=options.key,
            script=f"/pixel/{options.key}.js",
            landing=f"http://localhost:{port}",
        )
        with serving(server, shop):
            sys.stdout.write(f"{shop.shop}  (and {shop.outlet}), events go to {shop.collector}\n")
            sys.stdout.flush()
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
