"""Finding network addresses in text, and taking them out.

An address is an IPv4 literal (four numbers up to 255; the dots may be percent-encoded) or an
IPv6 literal (the colons may be percent-encoded, even twice). Addresses written as one number,
in hexadecimal or with dashes are not looked for.

Four numbers with dots are also how some programs write their version. They are a version, and
stay, in these places only:

* after a product name and a slash, where the name stands at the start of the text or after a
  space, ``(``, ``;``, ``,`` or ``+``: ``Chrome/1.2.3.4``. So ``/host/1.2.3.4`` and
  ``http://1.2.3.4`` are addresses;
* after ``rv:``, a lone ``v``, ``Version`` or ``build``, or one of the product names that
  write their version after a space;
* between a name and the rest of a file name: ``tool-1.2.3.4.zip``, ``tool_1.2.3.4-linux``;
* as part of a longer row of numbers: ``1.2.3.4.5``;
* when the first number is 0, for no machine has such an address: ``0.8.10.3``.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

MARK = "[address]"
#: What every text with an address holds, and most texts don't: for a search of many at once.
SIGN = r"(?s)%|:.*:|\..*\..*\."

# A percent-encoded character before an address is matched with it, so that the last digit
# of "%20" is not taken for the first digit of the address.
# (An encoded colon is not such a character: it may begin the address.)
_ENCODED = r"%(?:25)*+(?!3[aA])[0-9A-Fa-f]{2}"
_DOT = r"(?:\.|%(?:25)*2[eE])"
_COLON = r"(?::|%(?:25)*3[aA])"
_FOUR = rf"[0-9]{{1,3}}(?:{_DOT}[0-9]{{1,3}}){{3}}"
_IPV4 = re.compile(rf"(?:{_ENCODED}|(?<![0-9.]))({_FOUR})(?![0-9]|\.[0-9])")
_IPV6 = re.compile(
    rf"(?:{_ENCODED}|(?<![0-9A-Za-z:.]))"
    rf"((?:[0-9A-Fa-f]{{0,4}}{_COLON}){{2,8}}(?:{_FOUR}|[0-9A-Fa-f]{{0,4}}))"
    r"(?![0-9A-Za-z:])"
)
_AS_DOT = re.compile(r"%(?:25)*2[eE]")
_AS_COLON = re.compile(r"%(?:25)*3[aA]")

_VERSION_BEFORE = re.compile(
    r"(?:(?:^|[\s(;,+])[A-Za-z][\w.!@-]*/"
    r"|\brv:|(?<![A-Za-z])[vV]|\b(?:[vV]er(?:sion)?|[bB]uild|MSIE|MAXTHON|Maxthon|Explorer)[ :+]"
    r")$"
)
_NAME_BEFORE = re.compile(r"[A-Za-z][-_]$")
_NAME_AFTER = re.compile(r"[-_.][A-Za-z]")
#: How far back a product name may begin.
_REACH = 48


def addresses(text: str) -> list[tuple[int, int]]:
    """The spans of all addresses in a text, in order."""
    spans = _ipv6_spans(text) if _may_hold(text, ":", "%3", "%25", 2) else []
    if _may_hold(text, ".", "%2", "%2", 3):
        taken = tuple(spans)
        for match in _IPV4.finditer(text):
            start, end = match.span(1)
            if any(start < stop and begin < end for begin, stop in taken):
                continue
            if _is_ipv4(match[1]) and not _is_version(text, start, end):
                spans.append((start, end))
        spans.sort()
    return spans


def redact(text: str) -> str:
    """The text with every address replaced by ``[address]``."""
    if text.count(".") < 3 and text.count(":") < 2 and "%" not in text:
        return text  # as most texts are: the same test as below, at a fifth of its price
    spans = addresses(text)
    if not spans:
        return text
    pieces, at = [], 0
    for start, end in spans:
        pieces += [text[at:start], MARK]
        at = end
    return "".join([*pieces, text[at:]])


def is_address(text: str) -> bool:
    """Whether the whole text is an address (an IPv6 one without its brackets)."""
    return _is_ipv4(text) if ":" not in text else _is_ipv6(text.partition("%")[0])


def _may_hold(text: str, mark: str, encoded: str, twice: str, least: int) -> bool:
    """A cheap test that most texts fail."""
    return text.count(mark) >= least or ("%" in text and (encoded in text or twice in text))


def _ipv6_spans(text: str) -> list[tuple[int, int]]:
    found = (match for match in _IPV6.finditer(text) if _is_ipv6(_AS_COLON.sub(":", match[1])))
    return [match.span(1) for match in found]


def _is_ipv4(text: str) -> bool:
    """Leading zeros are allowed here, for a padded address still names a machine."""
    parts = _AS_DOT.sub(".", text).split(".")
    if len(parts) != 4 or not all(p.isascii() and p.isdigit() and len(p) < 4 for p in parts):
        return False
    numbers = [int(part) for part in parts]
    return numbers[0] > 0 and max(numbers) < 256


def _is_ipv6(text: str) -> bool:
    # "::", "A::B" and the like are far more often code than addresses.
    if not any("0" <= c <= "9" for c in text) and text.count(":") < 7:
        return False
    try:
        IPv6Address(_AS_DOT.sub(".", text))
    except AddressValueError:
        return False
    return True


def _is_version(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _REACH) : start]
    # Cut out of a longer text, a name's start cannot be told from its middle.
    if start > _REACH:
        before = "/" + before
    if _VERSION_BEFORE.search(before):
        return True
    return bool(_NAME_BEFORE.search(before) and _NAME_AFTER.match(text, end))
