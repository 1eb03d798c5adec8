"""The stack on real processes: one notification of a surge, with evidence that opens, and one of its end."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from external_tools import external_tool
from surge_watch import Notified
from waiting import PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--policy", "odd.toml"), "odd.toml"),
        (("--policy", "slow.toml"), "bearwatch_end_to_end_seconds has no bound"),
        (("--feed", "gone.jsonl"), "gone.jsonl is neither `sample` nor a file"),
    ],
)
def test_a_mistake_is_reported_before_anything_starts(
    arguments: tuple[str, ...], message: str, tmp_path: Path
):
    (tmp_path / "odd.toml").write_text("policy_version = 2\n[surge]\nodd = 1\n")
    (tmp_path / "slow.toml").write_text("policy_version = 2\n[time]\nmax_out_of_orderness_seconds = 3600\n")
    command = [sys.executable, "-m", "bearwatch", "stack", "--data-dir", "data", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert message in done.stderr
    assert not list(tmp_path.glob("data/*"))


@pytest.mark.timeout(3600)  # five minutes on a quiet machine
def test_a_surge_is_notified_once_and_its_end_once(surge: subprocess.Popen[bytes]):
    external_tool("prometheus"), external_tool("alertmanager")
    folder = Path(surge.args[-1])
    assert surge.wait() == 0, (folder / "surge_watch.log").read_text()
    notified = msgspec.json.decode((folder / "notified.json").read_bytes(), type=Notified)
    assert [each.status for each in notified.receipts] == ["firing", "resolved"]
    firing, resolved = notified.receipts
    assert firing.annotations["summary"] == "Critical surge of bad news about Energy | Oil"
    assert re.search(r"\d+ of \d+ stories .* are negative", firing.annotations["description"])
    assert resolved.starts_at == firing.starts_at and resolved.ends_at > firing.starts_at
    assert "wire-" in notified.page and "<mark>negative</mark>" in notified.page
