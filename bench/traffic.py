"""Who asks for what and when: the draws behind the generated log, as arrays of numbers.

A block is a run of lines. Each block has its own random stream, seeded by the plan and the
block's number, so blocks can be made in any order and memory does not grow with the log.
A human line belongs to one of the sessions running at its moment; a session belongs to a
visitor; address and browser follow from the visitor's number by a fixed mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt

from bench import vocabulary

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

BLOCK = 1 << 17
DAY = 86_400
#: Lines a human session is long on average, seconds it lasts, share of sessions by known visitors.
SESSION_LINES, SESSION_SECONDS, RETURNING = 23.0, 180.0, 77
ROLES = ("garbage", "bot page", "bot asset", "bot other", "asset", "view", "other")
SHARES = (0.001, 0.155, 0.010, 0.035, 0.600, 0.160, 0.039)
GARBAGE, BOT_PAGE, BOT_ASSET, BOT_OTHER, ASSET, VIEW, OTHER = range(7)
#: First octets of public unicast addresses.
OCTETS = np.array([n for n in range(1, 224) if n not in {10, 100, 127, 169, 172, 192, 198, 203}])
V6 = np.uint64(1 << 47)
BOT_WEIGHTS = np.array([share for share, _ in vocabulary.BOTS])


@dataclass(frozen=True, slots=True)
class Plan:
    """What log to make. `paths` and `visitors` multiply the numbers of distinct ones. With `sites`
    each line begins with the name of one of so many; 0 is a log without such names."""

    lines: int
    days: int = 30
    seed: int = 1
    paths: float = 1.0
    visitors: float = 1.0
    sites: int = 0
    start: date = date(2026, 3, 1)

    @property
    def pages(self) -> int:
        return max(1, round(40_000 * self.paths))

    @property
    def epoch(self) -> int:
        return int(
            datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC).timestamp()
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """One block. `chance` is a number below 2**62 a line, for choices among small tables."""

    second: Ints
    role: Ints
    address: Words
    agent: Ints
    page: Ints
    asset: Ints
    chance: Ints
    site: Ints


def draw(plan: Plan, block: int, browsers: int, assets: int) -> Traffic:
    """Draw the lines of a block; agents below `browsers` are people's, the others bots'."""
    first = block * BLOCK
    index = np.arange(first, min(first + BLOCK, plan.lines), dtype=np.int64)
    rng = np.random.default_rng([plan.seed, block])
    role = np.searchsorted(np.cumsum(SHARES), rng.random(len(index)), "right").clip(max=OTHER)
    page = _ranks(plan.pages, rng.random(len(index)))
    robot = role < ASSET
    page[robot] = rng.integers(0, plan.pages, int(robot.sum()))
    visitor = _visitors(plan, index, rng)
    address, agent = _people(plan, visitor, browsers)
    address[robot], agent[robot] = _bots(plan, int(robot.sum()), browsers, rng)
    # People stay on a site, which follows from their address; bots go everywhere.
    home = mix(np.where(robot, page.astype(np.uint64), address), plan.seed + 3)
    return Traffic(
        second=(_seconds(plan, index) - _served(rng, len(index))).clip(min=0),
        role=role,
        address=address,
        agent=agent,
        page=page,
        asset=_ranks(assets, rng.random(len(index))),
        chance=rng.integers(0, 1 << 62, len(index)),
        site=(home % np.uint64(max(1, plan.sites))).astype(np.int64),
    )


def mix(numbers: npt.NDArray[np.int64] | Words, salt: int) -> Words:
    """Spread numbers over 64 bits, always the same way."""
    x = numbers.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _ranks(count: int, chances: npt.NDArray[np.float64]) -> Ints:
    """Zipf's law: rank r is drawn about in proportion to 1 / r."""
    ranks: Ints = np.exp(chances * np.log(count + 1)).astype(np.int64) - 1
    return ranks.clip(0, count - 1)


def _seconds(plan: Plan, index: Ints) -> Ints:
    """Seconds since the start: quiet nights, busy evenings, slower weekends."""
    hours = np.arange(plan.days * 24)
    weight = 1.0 + 0.75 * np.sin((hours % 24 - 9.5) * np.pi / 12)
    weight *= np.where((hours // 24 + plan.start.weekday()) % 7 >= 5, 0.75, 1.0)
    until = np.concatenate([[0.0], np.cumsum(weight)])
    share = index / max(1, plan.lines)
    found: npt.NDArray[np.float64] = np.interp(
        share, until / until[-1], np.arange(len(until)) * 3600.0
    )
    return found.astype(np.int64)


def _served(rng: np.random.Generator, count: int) -> Ints:
    """Seconds a request took: its time is that of its start, its place in the log of its end."""
    return rng.geometric(0.4, count).clip(max=31) - 1


def _visitors(plan: Plan, index: Ints, rng: np.random.Generator) -> Ints:
    """The visitor of each line, as if all were human."""
    rate = plan.visitors / SESSION_LINES
    together = plan.lines * rate * SESSION_SECONDS / (plan.days * DAY)
    lag = rng.exponential(together, len(index)).astype(np.int64)
    session = ((index * rate).astype(np.int64) - lag).clip(min=0)
    coin = mix(session, plan.seed)
    known = (coin & np.uint64(255)) < RETURNING
    earlier = ((coin >> np.uint64(8)) % (session + 1).astype(np.uint64)).astype(np.int64)
    return np.where(known, earlier, session)


def _people(plan: Plan, visitor: Ints, browsers: int) -> tuple[Words, Ints]:
    coin = mix(visitor, plan.seed + 1)
    household = np.where((coin & np.uint64(7)) == 0, visitor // 2, visitor)
    chance = (coin >> np.uint64(11)).astype(np.float64) / 2.0**53
    return _addresses(mix(household, plan.seed + 2)), _ranks(browsers, chance)


def _bots(plan: Plan, count: int, browsers: int, rng: np.random.Generator) -> tuple[Words, Ints]:
    edges = np.cumsum(BOT_WEIGHTS) / BOT_WEIGHTS.sum()
    bot = np.searchsorted(edges, rng.random(count), "right").clip(max=len(edges) - 1)
    machine = _ranks(60, rng.random(count))
    return _addresses(mix(bot * 1000 + machine, plan.seed + 3)), bot + browsers


def _addresses(coin: Words) -> Words:
    """IPv4 as its 32 bits; an eighth IPv6 as V6 plus 40 bits. Different numbers, other texts."""
    first = OCTETS[(coin >> np.uint64(24)) % np.uint64(len(OCTETS))].astype(np.uint64)
    four = (first << np.uint64(24)) | (coin & np.uint64(0xFFFFFF))
    six = V6 | (coin & np.uint64(0xFFFFFFFFFF))
    return np.where(coin >> np.uint64(61) == 0, six, four)
