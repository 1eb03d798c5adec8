"""Text preparation: what the model sees of a text, in training as in serving."""

import html
import re
import unicodedata
from html.entities import html5

from models.combining_marks import limit_marks

MAX_ROUNDS = 4  # feeds escape twice at most; deeper nesting is an attack, and each round costs a pass

# Only with its semicolon: HTML also takes "&micro" out of "Apple&Microsoft".
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

# A known element with well-formed attributes, so that "a <b and c> d", "<$5" and "<AAPL>" stay. Nothing in the
# expression matches a second "<", and its repeats are possessive: it takes linear time for any text.
ELEMENTS = (
    "a|abbr|address|article|aside|b|big|blockquote|body|br|button|caption|center|cite|code|col|dd|del|div|dl|dt|em|"
    "figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|li|link|main|mark|"
    "meta|nav|ol|option|p|pre|q|s|script|section|small|source|span|strike|strong|style|sub|sup|table|tbody|td|tfoot|"
    "th|thead|time|title|tr|tt|u|ul|video"
)
TAG = re.compile(
    rf"""
    <(script|style)\b[^<>]*+>[^<]*+</\1\s*+>                                   # with its content
    | <![^<>]*+>                                                               # comment, doctype
    | </?(?:{ELEMENTS})
      (?:\s++[\w:-]++\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>]++))*+ \s*+/?>
    """,
    re.VERBOSE | re.IGNORECASE,
)

# Unicode categories Cc (except white space), Cf and Cs, and the replacement character. BERT's tokeniser drops them
# as well, except lone surrogates, which no tokeniser accepts.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffd\U000e0001\U000e0020-\U000e007f]"
)
LINK = re.compile(r"(?:https?://|(?<![\w.@-])(?:www\.|t\.co/|pic\.twitter\.com/))\S*+", re.IGNORECASE)
MAX_CHARACTERS = 2**15  # several times more than any model reads
SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Plain text in NFC: entities decoded; tags, links and invisible characters dropped; single spaces.

    What comes after the first `MAX_CHARACTERS` is dropped, and so are combining marks after the first 30 of a letter:
    it takes linear time for any text, less than 0.1 s. Normalising twice changes nothing. Markup that is still
    escaped after `MAX_ROUNDS` loses its "&" and "<".
    """
    text = text[:MAX_CHARACTERS]
    for _ in range(MAX_ROUNDS):
        before, text = text, _pass(text)
        if text == before:
            return text
    # Without "&" and "<" there is nothing left to decode, so one more pass is final.
    return _pass(text.replace("&", " ").replace("<", " "))


def _pass(text: str) -> str:
    if "&" in text:
        text = ENTITY.sub(_decode, text)
    if "<" in text:
        text = TAG.sub(" ", text)
    text = unicodedata.normalize("NFC", limit_marks(INVISIBLE.sub("", text)))
    text = limit_marks(text[:MAX_CHARACTERS])  # some marks decompose to two, some characters to three
    return SPACE.sub(" ", LINK.sub(" ", text)).strip()


def _decode(entity: re.Match[str]) -> str:
    name = entity[0][1:]
    return html.unescape(entity[0]) if name[0] == "#" else html5.get(name, entity[0])
