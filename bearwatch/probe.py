"""A health check for images without curl: `python -m bearwatch.probe URL` exits with 0 if the answer is 200."""

import sys
import urllib.request

TIMEOUT_SECONDS = 4

if __name__ == "__main__":
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=TIMEOUT_SECONDS):  # noqa: S310 - the compose file's URL
            sys.exit(0)
    except OSError as error:  # URLError and HTTPError are
        sys.exit(f"{sys.argv[1]}: {error}")
