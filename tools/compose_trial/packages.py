"""What is downloaded and built once, and kept in `$XDG_CACHE_HOME/bearwatch/compose-trial`; nothing is installed.

engine-*/       Debian's docker.io and what that needs, and debootstrap, unpacked
prometheus-*/   Debian's packages of Prometheus and Alertmanager, unpacked
base.tar        a minimal Debian with Python: what the Dockerfile's base image has
plugins/        Docker Compose 2, built from its source
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from tools.compose_trial.commands import NoEngine, TrialError, call

# The engine leads the containers' name service through iptables, inside each container's own network.
LIBRARIES = ("ip4tc2", "ip6tc2", "xtables12", "mnl0", "netfilter-conntrack3", "nfnetlink0", "nftnl11")
ENGINE = ("docker.io", "containerd", "runc", "debootstrap", "iptables", *(f"lib{each}" for each in LIBRARIES))
RELEASE = "bookworm"  # the one that the Dockerfile's base image names
INSIDE = "python3,python3-venv,python3-pip,ca-certificates,wget"
COMPOSE = "github.com/docker/compose/v2/cmd@v2.29.7"
PLUGINS = "plugins"
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")


def require(*programs: str) -> None:
    """Raises NoEngine where the trial cannot run at all."""
    if os.geteuid() != 0:
        raise NoEngine("no container engine here: that needs root")
    for program in programs:
        if shutil.which(program) is None:
            raise NoEngine(f"no container engine here: {program} is not on the PATH")


def kept(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, made if it does not exist: whole or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as work:
            make(Path(work) / path.name)
            (Path(work) / path.name).rename(path)
    return path


def debian(cache: Path, name: str, *packages: str) -> Path:
    """The packages' files, below one folder whose name changes with the list of packages."""

    def make(folder: Path) -> None:
        lists = folder.parent / "lists"  # not the machine's own
        (lists / "partial").mkdir(parents=True)
        apt = ("apt-get", "-q", "-o", f"Dir::State::Lists={lists}")
        try:
            call(*apt, "update", seconds=300)
            call(*apt, "download", *packages, folder=folder.parent, seconds=300)
        except TrialError as error:
            raise NoEngine(f"no container engine here: {error}") from None
        for archive in sorted(folder.parent.glob("*.deb")):
            call("dpkg", "-x", archive, folder, seconds=60)

    return kept(cache / f"{name}-{sha256(' '.join(packages).encode()).hexdigest()[:8]}", make)


def base(cache: Path, engine: Path) -> Path:
    """A tar archive of a minimal Debian with Python that trusts the certificates that this machine trusts."""

    def make(archive: Path) -> None:
        root = archive.with_name("root")
        call(
            *("unshare", "--mount"),  # what it mounts is gone with it
            *(
                engine / "usr" / "sbin" / "debootstrap",
                "--variant=minbase",
                f"--include={INSIDE}",
                RELEASE,
                root,
            ),
            environment={**os.environ, "DEBOOTSTRAP_DIR": str(engine / "usr" / "share" / "debootstrap")},
            seconds=900,
        )
        (root / CERTIFICATES).write_bytes(("/" / CERTIFICATES).read_bytes())
        (root / "usr" / "bin" / "python").symlink_to("python3")
        for mark in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):  # Python's own image has none
            mark.unlink()
        call("tar", "-C", root, "-cf", archive, ".", seconds=300)

    return kept(cache / "base.tar", make)


def compose(cache: Path) -> None:
    """Compose as a plugin of Docker's command line, in the folder PLUGINS."""

    def make(folder: Path) -> None:
        call("go", "install", COMPOSE, environment={**os.environ, "GOBIN": str(folder)}, seconds=1500)
        (folder / "cmd").rename(folder / "docker-compose")

    kept(cache / PLUGINS, make)
