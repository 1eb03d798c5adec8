"""Prometheus and Alertmanager: found, never downloaded, by the package; unpacked by a tool of the repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alerting.errors import AlertingError
from bearwatch.local.monitoring import tool, unpacked_programs

UNPACK = Path(__file__).parents[3] / "tools" / "debian_monitoring.py"
APT_GET = (
    '#!/bin/sh\n[ "$8" = update ] || touch "$9.deb"\n'  # apt-get -q -o A -o B -o C update | download PACKAGE
)
DPKG = """#!/bin/sh
bin=$3/usr/bin; mkdir -p $bin  # dpkg -x ARCHIVE FOLDER
for each in prometheus promtool amtool; do printf '#!/bin/sh\\necho %s $*\\n' $each > $bin/$each; done
printf '#!/bin/sh\\n# /usr/share/prometheus/alertmanager\\necho $PWD $*\\n' > $bin/prometheus-alertmanager
chmod 755 $bin/*
"""


def program(folder: Path, name: str, text: str = "#!/bin/sh\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return folder / name


def test_a_program_on_the_path_comes_before_an_unpacked_one(tmp_path: Path):
    environ = {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path)}
    unpacked = program(unpacked_programs(environ), "alertmanager")
    assert tool("alertmanager", environ) == unpacked
    debian = program(tmp_path / "bin", "prometheus-alertmanager")
    assert tool("alertmanager", environ) == debian
    upstream = program(tmp_path / "bin", "alertmanager")
    assert tool("alertmanager", environ) == upstream


def test_what_is_missing_is_named_with_how_to_get_it(tmp_path: Path):
    environ = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    with pytest.raises(
        AlertingError, match=r"promtool is not installed.*PATH.*Debian: prometheus.*make monitoring"
    ):
        tool("promtool", environ)


def unpack(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "PATH": f"{tmp_path}/bin:/bin:/usr/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    return subprocess.run([sys.executable, UNPACK], env=environ, capture_output=True, text=True)


def test_debians_packages_are_unpacked_where_the_package_looks(tmp_path: Path):
    program(tmp_path / "bin", "apt-get", APT_GET)
    program(tmp_path / "bin", "dpkg", DPKG)
    done = unpack(tmp_path)
    assert done.returncode == 0, done.stderr
    environ = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for name in ("prometheus", "promtool", "amtool"):
        called = subprocess.run([tool(name, environ), "--x"], capture_output=True, text=True)
        assert called.stdout == f"{name} --x\n"
    # Its templates are looked up in the folder in which it starts, wherever it is called.
    alertmanager = tool("alertmanager", environ)
    called = subprocess.run([alertmanager, "--x"], capture_output=True, text=True, cwd=tmp_path)
    home, flag = called.stdout.split()
    assert flag == "--x"
    unpacked = Path(home, "usr", "bin", "prometheus-alertmanager").read_text()
    assert "# usr/share/prometheus//alertmanager" in unpacked
    program(tmp_path / "bin", "apt-get", "#!/bin/sh\nexit 1\n")
    assert unpack(tmp_path).returncode == 0, "everything is there: nothing is downloaded"


def test_a_download_that_fails_is_reported_with_its_reason(tmp_path: Path):
    program(tmp_path / "bin", "apt-get", "#!/bin/sh\necho no network >&2\nexit 100\n")
    done = unpack(tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "prometheus cannot be unpacked: `apt-get update` failed (no network)" in done.stderr
