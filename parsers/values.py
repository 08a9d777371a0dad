"""What a value means: unescaping, decoding and cleaning, once per distinct value.

All functions take distinct values and return as many. Escapes are undone on bytes, before
decoding, because a server may escape the bytes of one character apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from parsers.lines import Mask

BACKSLASH = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f"}
PLAIN = {b'"': b'"', b"\\": b"\\"}
PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
HASH = re.compile(rb"#([0-9A-F]{2})")

#: A method is letters, with dashes or underscores between them (M-SEARCH, RPC_IN_DATA).
METHOD = "[A-Za-z][A-Za-z_-]{0,30}"
PROTOCOL = "HTTP/[0-9][^ ]*"
#: Unit of time -> milliseconds. Microseconds are written with either of two letters.
UNITS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
#: Method, then the target (which may hold spaces), then a protocol if the last word is one.
ANY_REQUEST = f"^({METHOD}) +([^ ](?s:.*?))(?: +({PROTOCOL}))? *$"


def _letter(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if len(code) == 3:
        return bytes.fromhex(code[1:].decode())
    return LETTERS.get(code) or PLAIN.get(code) or match[0]


def _backslash(value: bytes) -> bytes:
    return BACKSLASH.sub(_letter, value)


def _percent(value: bytes) -> bytes:
    """Undone twice where the first time leaves escapes: CloudFront used to escape its escapes."""
    for _ in range(2):
        value = PERCENT.sub(lambda match: bytes.fromhex(match[1].decode()), value)
    return value


def _hash(value: bytes) -> bytes:
    return HASH.sub(lambda match: bytes.fromhex(match[1].decode()), value)


def _plus(value: bytes) -> bytes:
    return value.replace(b"+", b" ")


def _percent25(value: bytes) -> bytes:
    """Only the escaping of the escape sign: a URL keeps the escapes it was sent with."""
    return value.replace(b"%25", b"%")


#: scheme -> (text without which a value needs no work, how to undo it)
ESCAPES: Mapping[str, tuple[bytes, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "none": (b"", bytes),
        "backslash": (b"\\", _backslash),
        "raw": (b"", bytes),
        "open": (b"\\", _backslash),
        "hash": (b"#", _hash),
        "plus": (b"+", _plus),
        "percent": (b"%", _percent),
        "percent25": (b"%25", _percent25),
    }
)


def decode(values: pa.Array, escape: str) -> pl.Series:
    """Binary values as text: unescaped, and with U+FFFD for what is not UTF-8."""
    trigger, undo = ESCAPES[escape]
    if trigger:
        values = _unescape(values, trigger, undo)
    try:
        texts = values.cast(pa.string())
    except pa.ArrowInvalid:
        texts = _replace_bad(values)
    return pl.Series(texts, dtype=pl.String)


def _replace_bad(values: pa.Array) -> pa.Array:
    """Text of bytes of which some are not UTF-8; only what is not ASCII is looked at."""
    wide = ~ascii_only(values)
    found = values.filter(pa.array(wide)).to_pylist()
    fixed = [value.decode("utf-8", errors="replace").encode() for value in found]
    values = pc.replace_with_mask(values, pa.array(wide), pa.array(fixed, pa.binary()))
    return values.cast(pa.string())


def ascii_only(values: pa.Array) -> Mask:
    """Which of these bytes (or nulls) are ASCII throughout."""
    unchecked = values.cast(pa.string(), safe=False)
    found: Mask = pc.fill_null(pc.string_is_ascii(unchecked), True).to_numpy(zero_copy_only=False)
    return found


def _unescape(values: pa.Array, trigger: bytes, undo: Callable[[bytes], bytes]) -> pa.Array:
    # All values at once, with what may stand between them: quicker, and mostly there is nothing.
    texts = values.buffers()[2]
    if texts is None or not (np.frombuffer(texts, dtype=np.uint8) == trigger[0]).any():
        return values
    escaped = pc.fill_null(pc.match_substring(values, trigger), False)
    found = values.filter(escaped)
    if not len(found):
        return values
    return pc.replace_with_mask(
        values, escaped, pa.array(map(undo, found.to_pylist()), pa.binary())
    )


def split_request(texts: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Method, target and protocol of request lines, cut from both ends.

    The protocol is the last word if that looks like HTTP/1; without one the line is of HTTP/0.9.
    All three are null where there is no method or no target.
    """
    parts = texts.str.splitn(" ", 3).struct.unnest().get_columns()
    usual = parts[0].str.contains(f"^{METHOD}$") & (parts[1] != "")
    usual = (usual & parts[2].str.contains(f"^{PROTOCOL}$")).fill_null(False)
    odd = (~usual & texts.is_not_null()).arg_true()
    if len(odd):
        again = texts.gather(odd).str.extract_groups(ANY_REQUEST).struct.unnest()
        bare = again["3"].is_null() & again["2"].str.contains(f"^{PROTOCOL}$")
        for number, name in enumerate(("1", "2", "3")):
            found = again[name].zip_with(~bare.fill_null(False), pl.Series([None], dtype=pl.String))
            parts[number] = parts[number].scatter(odd, found)
    return parts[0], parts[1], parts[2]


def clean_client(texts: pl.Series) -> pl.Series:
    """An address or host name without brackets, port or zone; null for a socket of the system."""
    bare = _without_port(texts)
    if bare.str.contains("%", literal=True).any():
        zoned = bare.str.contains(":", literal=True)
        bare = bare.str.replace("%.*$", "").zip_with(zoned.fill_null(False), bare)
    return bare.set((bare == "") | (texts == "unix:"), None)


def clean_host(texts: pl.Series) -> pl.Series:
    """A host name in lower case without its port."""
    return _without_port(texts).str.to_lowercase()


def clean_query(texts: pl.Series) -> pl.Series:
    """A query without the question mark in front of it; null for an empty one."""
    bare = texts.str.strip_prefix("?")
    return bare.set((bare == "").fill_null(False), None)


def _without_port(texts: pl.Series) -> pl.Series:
    """`[::1]:80` and `a:80` lose their port; `::1` has none."""
    if not texts.str.contains("[:\\[]").any():
        return texts
    bracketed = texts.str.replace(r"^\[([^\]]*)\](?::[0-9]*)?$", "$1")
    return bracketed.str.replace(r"^([^:]*):[0-9]*$", "$1")


def clean_protocol(texts: pl.Series) -> pl.Series:
    """A protocol with its name: some logs write 1.1, or 2.0.0.0 for HTTP/2.0."""
    return texts.str.replace(r"^([0-9](?:\.[0-9])?)(?:\.0)*$", "HTTP/$1")


CLEANERS: Mapping[str, Callable[[pl.Series], pl.Series]] = MappingProxyType(
    {
        "client": clean_client,
        "host": clean_host,
        "protocol": clean_protocol,
        "query": clean_query,
    }
)


def bare_number(texts: pl.Series) -> pl.Series:
    """Numbers; null for anything else."""
    return texts.cast(pl.Float64, strict=False)


def with_unit(texts: pl.Series) -> pl.Series:
    """Times such as 0.5s, 12ms or 357µs in milliseconds; without a unit they are seconds."""
    parts = texts.str.extract_groups(r"^([0-9.eE+-]+?)(ns|us|µs|μs|ms|s|m|h)?$").struct.unnest()
    units = parts.get_column("2").fill_null("s").replace_strict(UNITS, return_dtype=pl.Float64)
    return bare_number(parts.get_column("1")) * units


def whole_number(texts: pl.Series) -> pl.Series:
    """Whole numbers; null for anything else. JSON may write them as 200.0."""
    numbers = texts.cast(pl.Int64, strict=False)
    if numbers.null_count() == texts.null_count():
        return numbers
    return texts.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
