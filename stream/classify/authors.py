"""Authors of documents: no message behind the input topics names one. Pure.

`author` itself goes nowhere. But a feed of comments may give the author's account as the `source` as well, and an
address may hold it (`https://forum.example/u/kim/42`). Sources are counted and shown, so one that is the author is
replaced by a pseudonym, which is the same for each of the author's documents; such an address is left out.
"""

import hashlib
import re
from urllib.parse import unquote

from stream.messages import Document

_BETWEEN_NAMES = re.compile(r"[/?#&=:@.,;+\s]+")  # in an address: parts of the path, the host, the query


def source_of(document: Document) -> str:
    """The document's source; a pseudonym where that is its author."""
    author = _name(document.author)
    return pseudonym(author) if author and _name(document.source) == author else document.source


def url_of(document: Document) -> str | None:
    """The document's address, if it does not name its author."""
    author, url = _name(document.author), document.url
    if url is None or not author:
        return url
    whole = unquote(url).casefold()
    parts = {*_BETWEEN_NAMES.split(whole), *whole.split("/")}
    return None if parts & {author, *_spellings(author)} else url


def pseudonym(author: str) -> str:
    """`author-` and 16 hex digits. Whoever has a list of names can find out whose it is."""
    return f"author-{hashlib.blake2b(_name(author).encode(), digest_size=8).hexdigest()}"


def _name(text: str | None) -> str:
    """An account, however a feed writes it: `@Kim`, `kim `."""
    return " ".join((text or "").casefold().split()).lstrip("@")


def _spellings(author: str) -> set[str]:
    """How addresses write a name of several words: `kim-doe`, `kim_doe`, `kimdoe`."""
    words = re.findall(r"\w+", author)
    return {between.join(words) for between in ("-", "_", "")} - {""}
