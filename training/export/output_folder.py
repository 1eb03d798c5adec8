"""The folder that an export writes: an artifact there is replaced, and nothing else is deleted."""

from pathlib import Path

from models.files import MANIFEST, MODEL, TOKENIZER
from training.errors import TrainingError
from training.export.card import CARD


def check_replaceable(out: Path) -> None:
    """Raises TrainingError where `out` contains something else than a model artifact, or the current folder."""
    if out.resolve() in (here := Path.cwd(), *here.parents):
        raise TrainingError(
            f"{out} contains the current folder, which cannot be replaced; choose another folder"
        )
    if not out.exists():
        return
    if not (out / MANIFEST).exists() and (out.is_file() or any(out.iterdir())):
        raise TrainingError(f"{out} is not empty and not a model artifact; choose another folder")
    if others := {path.name for path in out.iterdir()} - {MANIFEST, MODEL, TOKENIZER, CARD}:
        raise TrainingError(
            f"{out} contains {min(others)!r} next to a model artifact, and would be replaced as a whole; move it "
            "away, or choose another folder"
        )


def replace_folder(new: Path, out: Path, former: Path) -> None:
    """Rename `new` to `out`, after renaming what is there to `former`; if one step fails, `out` is as it was."""
    try:
        if out.exists():
            out.rename(former)
        new.rename(out)
    except BaseException:  # Ctrl-C as well, also right after a step
        if former.exists() and not out.exists():
            former.rename(out)
        raise
