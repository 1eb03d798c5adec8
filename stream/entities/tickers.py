"""Tickers as people write them: `$AAPL`, `(NYSE: GE)`, `NASDAQ:AAPL`, `AAPL.O`, `600519`, `600519.SH`, `SH600519`.

A symbol alone, such as GE or 0700, is a ticker in a field that is meant for tickers. In a text it is not, but for the
six digits of a Chinese A-share.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# What stands before a colon, and the suffixes of data vendors, as one code for each exchange.
EXCHANGES = {
    "NYSE": "US NYSE NYQ NASDAQ NASDAQGS NASDAQGM NASDAQCM NMS AMEX NYSEAMERICAN NYSEARCA ARCA BATS CBOE OTC OTCMKTS"
    " OTCQX OTCQB N O OQ A UN UW UQ",
    "LSE": "LSE LON L LN AIM",
    "XETRA": "XETRA ETR FRA FWB DE F GR GY",
    "PARIS": "EPA PA FP EURONEXT",
    "AMSTERDAM": "AMS AS NA",
    "BRUSSELS": "EBR BR BB",
    "MILAN": "BIT MI IM",
    "MADRID": "BME MC SM",
    "SWISS": "SWX SIX SW S VX",
    "STOCKHOLM": "STO ST SS.ST",
    "HELSINKI": "HEL HE FH",
    "OSLO": "OSL OL NO",
    "COPENHAGEN": "CPH CO DC",
    "VIENNA": "VIE VI AV",
    "TORONTO": "TSX TSE.TO TO CN CT TSXV V",
    "SYDNEY": "ASX AX AU",
    "TOKYO": "TYO TSE T JP JT",
    "SEOUL": "KRX KS KQ KOSPI KOSDAQ",
    "TAIPEI": "TPE TW TWO TT",
    "INDIA": "NSE BSE NS BO IN IB",
    "HK": "HKG HKEX SEHK HK",
    "SH": "SHA SSE SH SS CH",
    "SZ": "SHE SZSE SZ",
    "BJ": "BJSE BSEBJ BJ",
    "SAOPAULO": "BVMF SA BZ",
    "JOHANNESBURG": "JSE JO SJ",
    "SINGAPORE": "SGX SI SP",
}
BY_NAME = {name: exchange for exchange, names in EXCHANGES.items() for name in names.split()}
NAMES = frozenset(each for each in BY_NAME if len(each) >= 3)  # shorter ones stand only behind a symbol
SYMBOL = r"[A-Za-z0-9&]{1,12}(?:[.\-/][A-Za-z]{1,2})?"
_CHINESE = re.compile(r"(?i)(?<![\w.])(SH|SZ|BJ|HK)[.:]?(\d{4,6})(?![\w])")
_SUFFIXED = re.compile(r"(?<![\w$¥￥€£.,])([A-Z][A-Z0-9&]{1,11}|\d{4,6})\.([A-Za-z]{1,2})(?![\w])")
_BARE_A_SHARE = re.compile(
    r"(?<![\w$¥￥€£.,])\d{6}(?![\w.,%]\d|[A-Za-z0-9_%]|\s*(?:元|万|亿|股|手|点|人|户|吨|台|辆))"
)
_CASHTAG = re.compile(r"\$(?=[A-Za-z])" + f"({SYMBOL})" + r"(?![A-Za-z0-9_])")
_LISTED = re.compile(
    r"(?<![A-Za-z])([A-Za-z][A-Za-z ]{1,12}?)\s?[:：]\s?"
    + f"({SYMBOL}(?:\\s?[,;/]\\s?{SYMBOL}(?!\\s?[:：\\w]))*)"
    + r"(?![A-Za-z0-9])"
)
_SEPARATOR = re.compile(r"\s?[,;]\s?|/\s")


class Ticker(NamedTuple):
    symbol: str  # upper case; the class of a share after a dot: BRK.B
    exchange: str | None  # a key of EXCHANGES

    def fits(self, other: "Ticker") -> bool:
        """Whether both may be the same; an exchange that is not named can be any."""
        return self.symbol == other.symbol and (
            self.exchange is None or other.exchange is None or self.exchange == other.exchange
        )


def read_ticker(text: str) -> Ticker | None:
    """The ticker that a field holds, in any of the forms above; None where it holds none."""
    found = text.strip().lstrip("$").rstrip("$").strip()
    for separator in (":", "："):
        name, colon, symbol = found.partition(separator)
        if colon:
            exchange = BY_NAME.get(_compact(name))
            return _made(symbol.strip(), exchange) if exchange and _is_symbol(symbol.strip()) else None
    if chinese := _CHINESE.fullmatch(found):
        return _made(chinese[2], chinese[1].upper())
    head, dot, suffix = found.rpartition(".")
    exchange = BY_NAME.get(suffix.upper()) if dot else None
    # BRK.B and RDS.A are classes of shares; N, O, L ... after a dot are exchanges.
    if exchange and _is_symbol(head) and suffix.upper() not in ("A", "B", "C", "K", "V") and suffix:
        return _made(head, exchange)
    return _made(found, None) if _is_symbol(found) else None


def tickers_in(text: str) -> Iterator[tuple[Ticker, str]]:
    """The tickers that a text writes as such, with the words that say so."""
    if "$" in text:
        for found in _CASHTAG.finditer(text):
            yield _made(found[1], None), found[0]
    if ":" in text or "：" in text:
        for found in _LISTED.finditer(text):
            exchange = _exchange_before(found[1])
            if exchange:
                for symbol in _SEPARATOR.split(found[2]):
                    if symbol.isupper() or symbol.isdigit():
                        yield _made(symbol, exchange), found[0]
    if "." in text:
        for found in _SUFFIXED.finditer(text):
            if exchange := BY_NAME.get(found[2].upper()):
                yield _made(found[1], exchange), found[0]
    if any(each.isdigit() for each in text):
        for found in _CHINESE.finditer(text):
            yield _made(found[2], found[1].upper()), found[0]
        for found in _BARE_A_SHARE.finditer(text):
            yield _made(found[0], None), found[0]


def _exchange_before(words: str) -> str | None:
    """`listed on NYSE` and `NYSE American` name an exchange, `rating` does not."""
    return BY_NAME.get(compact) if (compact := _compact(words)) in NAMES else _last(words)


def _last(words: str) -> str | None:
    last = words.rpartition(" ")[2].upper()
    return BY_NAME[last] if last in NAMES else None


def _compact(name: str) -> str:
    return name.replace(" ", "").upper()


def _is_symbol(text: str) -> bool:
    return re.fullmatch(SYMBOL, text) is not None


def _made(symbol: str, exchange: str | None) -> Ticker:
    symbol = symbol.upper().replace("-", ".").replace("/", ".")
    if symbol.isdigit():
        if exchange == "HK":
            symbol = symbol.lstrip("0").rjust(5, "0")
        elif len(symbol) == 6 and exchange is None:
            exchange = a_share_exchange(symbol)
    return Ticker(symbol, exchange)


def a_share_exchange(digits: str) -> str:
    """The exchange whose shares have such a code: 000001 is a share in Shenzhen, and in Shanghai an index."""
    if digits[0] in "69":
        return "SH"
    return "SZ" if digits[0] in "0123" else "BJ"
