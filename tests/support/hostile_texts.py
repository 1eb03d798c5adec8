"""Texts that markup, terminals, browsers or people could take for something else."""

import unicodedata

HOSTILE = (
    "[/x]",
    "[red]x[/red] [@click=app.bell]y[/]",
    ":smile:",
    "\x1b[2J\x1b]0;title\x07\x1b]8;;http://evil.example\x1b\\",
    "\x9b31m\x90q\x9c",
    "a\x00b\x08\x7f",
    "a\r\nSet-Cookie: x\r\n\r\n",
    "a\n2026-01-01 00:00:00,000 ERROR root: a line of its own",
    "\u202egnp.exe\u202d \u202a\u202b\u202c \u2066\u2067\u2068\u2069 \u200e\u200f\u061c",
    "\u200b\u200c\u200d\ufeff\u2060\u00ad\U000e0041",
    "a\u2028b\u2029c\u0085d",
    "a\u00a0b\u3000c",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "'\" onmouseover=alert(1) x='",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{ 7*7 }}{% include 'x' %}${x}{0}",
    "%s %(x)s %n",
    '"} 1\nbearwatch_evil_total{a="',
    "=cmd|' /C calc'!A0",
    "`x` | y | <z> [a](javascript:b) ![i](http://t.example)",
    "$(reboot); rm -rf /",
    "../../etc/passwd",
)


def is_shown_as_text(text: str) -> bool:
    """Whether each line of a text holds printable characters and spaces only."""
    return all(c.isprintable() or unicodedata.category(c) == "Zs" for c in text.replace("\n", ""))
