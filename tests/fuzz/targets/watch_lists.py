"""Watch lists in both forms, and texts in which a watch list is looked for."""

import random

from generation import raw, texts, toml

from models.text import normalise
from stream.entities import comparable, matcher, names, review, signs, tickers, watch_list, watch_list_file
from stream.entities.matcher import Matcher
from stream.entities.review import review as reviewed
from stream.entities.watch_list_file import load_watch_list
from stream.errors import WatchListError
from targets.target import Target, pack, scratch, unpack, written

CSV = """id,names,aliases,tickers,near,not_near,ambiguous
GAP,Gap Inc,"Old Navy;Gap, the chain",NYSE:GAP,retailer,pay gap,yes
600519,贵州茅台酒股份有限公司;贵州茅台,茅台,600519.SH,,,
M&M,Mahindra & Mahindra;M&M,,M&M.NS,,,no
MCD,McDonald's Corp.,,BRK.B;0700.HK,,,
"""
TOML = """[[companies]]
id = "NESN"
names = ["Nestlé", "J.P. Morgan"]
tickers = ["NESN.SW", "000001"]
near = ["food"]
[[companies]]
id = "V"
names = ["Visa"]
not_near = ["visa rules"]
ambiguous = true
"""
TEXTS = (
    "Gap Inc. ($GAP) and McDonald’s sink on its pay gap; the retailer (NYSE: GAP, BRK.B)",
    "$贵州茅台(SH600519)$ 涨停 600519.SS，Mahindra and Mahindra",
    "Nestlé's food, J.P.Morgan, VISA RULES, Ｎｅｓｔｌé",
)


def a_list(rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return pack("list.toml", toml.changed(rng, [TOML], 2))
    lines = CSV.splitlines()
    at = rng.randrange(len(lines))
    if rng.random() < 0.6:
        lines[at] = texts.mutated(rng, lines[at])
    return pack("list.csv", raw.damaged(rng, "\n".join(lines).encode("utf-8", "surrogatepass"), 0.3))


def check_list(given: bytes) -> bool:
    name, content = unpack(given)
    try:
        found = load_watch_list(written(name, content))
    except WatchListError as error:
        assert str(scratch() / name) in str(error) and str(error).isprintable() and len(str(error)) < 1000, (
            str(error)
        )
        return False
    reviewed(found)
    wanted = Matcher(found)
    for company in found.companies:
        for each in company.all_names if company.ambiguous is False and not company.not_near else ():
            assert company.id in {match.company for match in wanted.find(f"{each}, a company")}, each
    return True


_whole = Matcher(load_watch_list(written("fuzzed.csv", CSV.encode())))


def a_text(rng: random.Random) -> bytes:
    text = rng.choice(TEXTS)
    for _ in range(rng.choice((0, 1, 2, 4))):
        text = texts.mutated(rng, text)
    own = [rng.choice(("GAP", "$gap", "0700.HK", texts.text(rng))) for _ in range(rng.choice((0, 1, 3)))]
    return pack(
        text[:100_000].encode("utf-8", "surrogatepass"),
        [each.encode("utf-8", "surrogatepass") for each in own],
    )


def check_text(given: bytes) -> bool:
    text, own = unpack(given)
    read = [each.decode("utf-8", "surrogatepass") for each in own]
    found = _whole.find(normalise(text.decode("utf-8", "surrogatepass")), read)
    ids = [each.company for each in found]
    assert len(ids) == len(set(ids)) and set(ids) <= {each.id for each in _whole.companies}
    return bool(found)


TARGETS = (
    Target("watch list", (watch_list, watch_list_file, names, review), a_list, check_list, 30_000),
    Target("text with companies", (comparable, signs, tickers, matcher), a_text, check_text, 60_000),
)
