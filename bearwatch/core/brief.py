"""Texts from outside inside an error message or a log line: short, on one line, without control characters."""

LONGEST = 200  # characters


def brief(text: object, longest: int = LONGEST) -> str:
    """The beginning of a text, with a dot for each character that is not printable; a cut is marked with `…`."""
    whole = str(text)
    cut = whole if len(whole) <= longest else f"{whole[: longest - 1]}…"
    return "".join(each if each.isprintable() else "·" for each in cut)
