"""The webhook that tests use: each mode fails as it should."""

import http.client
import time
import urllib.error
import urllib.request

from waiting import PATIENCE_SECONDS
from webhook_double import WebhookDouble


def test_the_double_does_what_its_mode_says():
    def ask() -> int | str:
        try:
            with urllib.request.urlopen(double.url, data=b"{}", timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except http.client.HTTPException:
            return "no HTTP"

    with WebhookDouble(slow_seconds=0.2) as double:
        assert ask() == 200
        double.mode = "error"
        assert ask() == 500
        double.mode = "garbage"
        assert ask() == "no HTTP"
        double.mode = "slow"
        started = time.monotonic()
        assert ask() == 200
        assert time.monotonic() - started >= 0.2
    assert double.bodies == [b"{}"] * 4
