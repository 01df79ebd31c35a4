"""`python -m deploy.healthcheck URL`: exit 0 when it answers 200, else 1 and why. The HEALTHCHECK of the container image.

The image has no curl for it. Asks without a proxy, whatever the environment says: the process is in the same container. Standard
library only, so that asking every few seconds costs little.
"""

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 4.0
ANSWER_BYTES_MAX = 2_000


def problem(url: str) -> str:
    """Why the process at the address is not ready; empty when it is."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_S) as answer:
            return "" if answer.status == 200 else f"{url} answers {answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            return (
                f"{url} answers {error.code}: {error.read(ANSWER_BYTES_MAX).decode(errors='replace').strip()}"
            )
    except OSError as error:
        return f"{url} does not answer: {error}"


if __name__ == "__main__":
    sys.exit(problem(sys.argv[1]) or 0)
