"""Traffic as text: each line is joined from ten pieces that are taken out of small pools.

The joined column is already the bytes of the file, so nothing is copied line by line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench import vocabulary
from bench.odd import ODD, OTHERS, ROBOTS
from bench.traffic import (
    ASSET,
    BOT_ASSET,
    BOT_OTHER,
    BOT_PAGE,
    DAY,
    GARBAGE,
    OTHER,
    V6,
    VIEW,
    Ints,
    Plan,
    Traffic,
    Words,
    mix,
)

SITE = b"https://www.example.org"
SPECIAL = (*ODD, *OTHERS, *ROBOTS)
#: role -> (first place among SPECIAL, how many)
SPECIAL_OF = {
    GARBAGE: (0, len(ODD)),
    OTHER: (len(ODD), len(OTHERS)),
    BOT_OTHER: (len(ODD) + len(OTHERS), len(ROBOTS)),
}
ENDS = (b' HTTP/2.0" ', b' HTTP/1.1" ', b'" ', b"")
STATUSES = (0, 200, 206, 301, 302, 304, 400, 404, 405, 414, 500)
ASSET_STATUSES = np.array([200] * 26 + [304] * 5 + [404])
BOT_STATUSES = np.array([200] * 27 + [304] * 2 + [301] + [404] * 2)
REFERRER_EDGES = np.cumsum([share for share, _ in vocabulary.REFERRERS])
NO_REFERRER, CUT_REFERRER = 0, len(vocabulary.REFERRERS)


@dataclass(frozen=True, slots=True)
class Lines:
    """The bytes of a block and, for each line, what its server wrote."""

    data: pa.Buffer
    status: Ints
    size: Ints
    readable: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pools:
    """Texts that do not change from block to block."""

    browsers: int
    assets: int
    dates: pa.Array
    clock: pa.Array
    requests: pa.Array
    queries: pa.Array
    ends: pa.Array
    referrers: pa.Array
    agents: pa.Array
    octets: pa.Array
    groups: pa.Array
    prefixes: pa.Array
    hosts: pa.Array


def pools(plan: Plan) -> Pools:
    people, assets = vocabulary.browsers(), vocabulary.assets()
    order = np.argsort(mix(np.arange(len(people)), plan.seed))
    agents = [people[i] for i in order] + [agent for _, agent in vocabulary.BOTS]
    quoted = [b'" "' + a + b'"\n' for a in (*(a.encode() for a in agents), *_odd_agents())]
    days = (plan.start + timedelta(days=n) for n in range(plan.days + 1))
    return Pools(
        browsers=len(people),
        assets=len(assets),
        dates=_pool(f" - - [{day:%d/%b/%Y}:" for day in days),
        clock=_pool(f'{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02} +0000] "' for s in range(DAY)),
        requests=_pool([*(r.request for r in SPECIAL), *(f"GET {path}" for path in assets)]),
        queries=_pool(vocabulary.queries()),
        ends=_pool([e + b"%d " % s if e else b"" for e in ENDS for s in STATUSES]),
        referrers=_pool([*(f' "{text}' for _, text in vocabulary.REFERRERS), ""]),
        agents=_pool([*quoted, b"\n"]),
        octets=_pool(str(n) for n in range(256)),
        groups=_pool(format(4096 + 15 * n, "x") for n in range(4096)),
        prefixes=_pool(vocabulary.PREFIXES),
        hosts=_pool([f"{name}:443 " for name in site_names(plan.sites)] or [""]),
    )


def render(plan: Plan, pool: Pools, traffic: Traffic) -> Lines:
    special = _special(traffic)
    status = _statuses(traffic, special)
    cut = np.isin(special, [i for i, r in enumerate(SPECIAL) if r.cut])
    odd = np.isin(special, [i for i, r in enumerate(SPECIAL) if not r.readable])
    size = _sizes(traffic, status)
    paths, place = _paths(traffic.page)
    unique, owner = np.unique(traffic.address, return_inverse=True)
    pieces = (
        pool.hosts.take(traffic.site),
        _addresses(pool, unique).take(owner),
        pool.dates.take(traffic.second // DAY),
        pool.clock.take(traffic.second % DAY),
        _requests(pool, traffic, special, paths, place),
        pool.queries.take(_queries(traffic, len(pool.queries))),
        pool.ends.take(_ends(traffic, special, status)),
        pa.array(size, mask=cut).cast(pa.string()).cast(pa.binary()),
        _referrers(pool, traffic, cut, paths, place),
        pool.agents.take(_agents(pool, traffic, special, cut)),
    )
    lines = pc.binary_join_element_wise(*pieces, b"", null_handling="replace", null_replacement=b"")
    return Lines(lines.buffers()[2], status, size, ~odd)


def site_names(count: int) -> list[str]:
    return [f"site{number:04}.example.org" for number in range(count)]


def _pool(texts: Iterable[str | bytes]) -> pa.Array:
    return pa.array([t.encode() if isinstance(t, str) else t for t in texts], pa.binary())


def _join(*pieces: pa.Array | bytes) -> pa.Array:
    return pc.binary_join_element_wise(*pieces, b"")


def _odd_agents() -> list[bytes]:
    return [r.agent for r in ODD if r.agent]


def _special(traffic: Traffic) -> Ints:
    """The place among SPECIAL of lines of that kind, -1 for all others."""
    special = np.full(len(traffic.role), -1)
    for role, (first, count) in SPECIAL_OF.items():
        mask = traffic.role == role
        special[mask] = first + (traffic.chance[mask] >> 30) % count
    return special


def _statuses(traffic: Traffic, special: Ints) -> Ints:
    known = np.array([r.status for r in SPECIAL])
    dice = (traffic.chance >> 5) % 32
    return np.select(
        [special >= 0, traffic.role == VIEW, traffic.role == BOT_PAGE],
        [known[special], 200, BOT_STATUSES[dice]],
        ASSET_STATUSES[dice],
    )


def _sizes(traffic: Traffic, status: Ints) -> Ints:
    """Bytes sent: a static file always has the same size, a page a different one each time."""
    static = np.isin(traffic.role, [ASSET, BOT_ASSET])
    coin = np.where(static, mix(traffic.asset, 7) >> np.uint64(2), traffic.chance)
    size = (600 * np.exp((coin.astype(np.int64) >> 42) % 4096 / 800)).astype(np.int64)
    small = np.where(status == 304, 0, 160 + traffic.chance % 64)
    return np.where((status == 200) | (status == 206), size, small)


def _paths(page: Ints) -> tuple[pa.Array, Ints]:
    """The distinct paths of the block, and which one each line has."""
    unique, place = np.unique(page, return_inverse=True)
    sections, words = _pool(vocabulary.SECTIONS), _pool(vocabulary.WORDS)
    count, many = len(sections), len(words)
    tail = _pool(["", ".html"]).take((unique % 4 == 3).astype(np.int64))
    number = pa.array(unique).cast(pa.string()).cast(pa.binary())
    coin = (mix(unique, 11) >> np.uint64(1)).astype(np.int64)
    first, second, third = (words.take(coin // many**n % many) for n in range(3))
    start = _join(b"/", sections.take(unique % count), b"/", first, b"-", second, b"-", third)
    paths = _join(start, b"-", number, tail)
    return pc.if_else(pa.array(unique == 0), b"/", paths), place


def _requests(
    pool: Pools, traffic: Traffic, special: Ints, paths: pa.Array, place: Ints
) -> pa.Array:
    texts = pa.concat_arrays([pool.requests, _join(b"GET ", paths)])
    static = np.isin(traffic.role, [ASSET, BOT_ASSET])
    other = np.where(static, len(SPECIAL) + traffic.asset, len(pool.requests) + place)
    return texts.take(np.where(special >= 0, special, other))


def _queries(traffic: Traffic, count: int) -> Ints:
    """One page in ten has a query."""
    page = (traffic.role == VIEW) | (traffic.role == BOT_PAGE)
    asked = page & ((traffic.chance >> 8) % 10 == 0)
    return np.where(asked, 1 + (traffic.chance >> 12) % (count - 1), 0)


def _ends(traffic: Traffic, special: Ints, status: Ints) -> Ints:
    """The place of protocol and status together: old HTTP for bots and a few people."""
    known = np.array([ENDS.index(r.end) for r in SPECIAL])
    old = (traffic.role < ASSET) | ((traffic.chance >> 20) % 8 == 0)
    end = np.where(special >= 0, known[special], old.astype(np.int64))
    return end * len(STATUSES) + np.searchsorted(STATUSES, status)


def _referrers(
    pool: Pools, traffic: Traffic, cut: npt.NDArray[np.bool_], paths: pa.Array, place: Ints
) -> pa.Array:
    texts = pa.concat_arrays([pool.referrers, _join(b' "' + SITE, paths)])
    own = len(pool.referrers) + np.roll(place, 1)
    drawn = np.searchsorted(REFERRER_EDGES, (traffic.chance >> 24) % 4096 / 4096, "right")
    came = np.where(drawn < CUT_REFERRER, drawn, own)
    robot = traffic.role < ASSET
    chosen = np.select([cut, robot, traffic.role == VIEW], [CUT_REFERRER, NO_REFERRER, came], own)
    return texts.take(chosen)


def _agents(pool: Pools, traffic: Traffic, special: Ints, cut: npt.NDArray[np.bool_]) -> Ints:
    """Odd lines have their own agents, after all others; a cut line has none."""
    odd = len(pool.agents) - 1 - len(_odd_agents())
    chosen = np.where(traffic.role == GARBAGE, odd + special, traffic.agent)
    return np.where(cut, len(pool.agents) - 1, chosen)


def _addresses(pool: Pools, unique: Words) -> pa.Array:
    four = _join(*_dotted(pool, unique))
    parts = [
        pool.groups.take((unique >> np.uint64(shift)) & np.uint64(0xFFF)) for shift in (24, 12, 0)
    ]
    prefix = pool.prefixes.take((unique >> np.uint64(36)) & np.uint64(15))
    six = _join(prefix, b":", parts[0], b":", parts[1], b"::", parts[2])
    return pc.if_else(pa.array(unique >= V6), six, four)


def _dotted(pool: Pools, unique: Words) -> list[pa.Array | bytes]:
    pieces: list[pa.Array | bytes] = []
    for shift in (24, 16, 8, 0):
        pieces += [pool.octets.take((unique >> np.uint64(shift)) & np.uint64(255)), b"."]
    return pieces[:-1]
