"""Label mappings: what a labelled file writes for a label (the raw label) -> the label."""

import csv
from collections.abc import Mapping

from training.errors import TrainingConfigError


def override_mapping(mapping: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A head's label mapping with the entries that one file has of its own, raw labels in lower case.

    Where the file numbers its labels, the numbers of the head's mapping do not hold for it and are left out.
    """
    numbered = any(raw.isdigit() for raw in own)
    kept = {raw: label for raw, label in mapping.items() if not (numbered and raw.isdigit())}
    return kept | {raw.casefold(): label for raw, label in own.items()}


def parse_label_mapping(text: str) -> dict[str, str]:
    """Read `--label-mapping`: "negative,positive" maps 0 and 1, "down=negative,up=positive" maps words.

    A part that contains a comma stands in quotes.

    Raises:
        TrainingConfigError: the text mixes both forms, or maps a raw label twice.
    """
    try:
        parts = [part.strip() for part in next(csv.reader([text], skipinitialspace=True))]
    except csv.Error as error:  # a line break outside quotes, a part of 130 kB
        raise TrainingConfigError(f"--label-mapping cannot be read: {error}") from None
    if not any("=" in part for part in parts):
        return {str(i): label for i, label in enumerate(parts)}
    mapping: dict[str, str] = {}
    for part in parts:
        raw, separator, label = (piece.strip() for piece in part.partition("="))
        if not separator:
            raise TrainingConfigError(
                f"--label-mapping: {part!r} has no raw label; write {f'0={part}'!r} for a number, or only labels, in "
                "the order of the numbers"
            )
        if raw in mapping:
            raise TrainingConfigError(f"--label-mapping: {raw!r} is mapped twice")
        mapping[raw] = label
    return mapping
