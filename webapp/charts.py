"""The geometry of charts. Lines are paths in a box that is 1000 wide and stretched to its place;
what must not be stretched (words, dots) has its place across in percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 1000
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the chart, or a word below it; `place` is in pixels or percent."""

    value: float
    place: float


@dataclass(frozen=True, slots=True)
class Dot:
    """One value of a series: its places in percent and pixels; `left` and `width` are those of the
    strip in which a pointer finds it."""

    index: int
    x: float
    left: float
    width: float
    y: float | None
    base_y: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    height: int
    line: str
    area: str
    dashed: str
    base: str
    ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]


def chart(
    values: Values, base: Values, partial: bool, counts: bool = False, height: int = 220
) -> Chart:
    """A line with its area, over one to compare with. The step to the last value is dashed where
    that one is not complete; between `counts` there are no marks."""
    marks = scale(max([v for v in (*values, *base) if v is not None], default=0), counts)
    count, top = len(values), marks[-1] or 1
    points = _points(values, count, top, height)
    whole = points[:-1] if partial and count > 1 else points
    return Chart(
        height,
        _path(whole),
        _area(whole, height),
        _path(points[-2:]) if partial and count > 1 else "",
        _path(_points(base[:count], count, top, height)),
        tuple(Tick(v, round(_y(v, top, height), 1)) for v in marks),
        tuple(_dot(i, values, base, top, height) for i in range(count)),
    )


def sparkline(values: Values, height: int = 32) -> tuple[str, str]:
    """The paths of a small line and of its area."""
    top = max((v for v in values if v is not None), default=0) or 1
    points = _points(values, len(values), top, height - 2)
    moved = [None if p is None else (p[0], p[1] + 1) for p in points]
    return _path(moved), _area(moved, height)


def scale(largest: float, counts: bool = False) -> list[float]:
    """Values for lines across: zero and up to four more round ones, of which the last is enough."""
    if largest <= 0:
        return [0.0, 1.0]
    power = 10 ** math.floor(math.log10(largest / 4))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power * 4 >= largest)
    if counts or largest >= 4:
        step = max(1.0, math.ceil(step))
    lines = math.ceil(largest / step)
    return [n * step for n in range(lines + 1)]


def labelled(count: int, most: int) -> list[int]:
    """Which of so many places get a word, so that there are at most so many, evenly spread."""
    step = max(1, math.ceil(count / most))
    return list(range(0, count, step))


def _x(index: int, count: int) -> float:
    return index / (count - 1) if count > 1 else 0.5


def _y(value: float, top: float, height: int) -> float:
    return height - value / top * height


Point = tuple[float, float] | None


def _points(values: Values, count: int, top: float, height: int) -> list[Point]:
    return [
        None if v is None else (round(_x(i, count) * WIDTH, 1), round(_y(v, top, height), 1))
        for i, v in enumerate(values)
    ]


def _path(points: Sequence[Point]) -> str:
    """Straight lines between neighbours; a missing value is a gap, a lonely one a short dash."""
    drawn, pen = [], False
    for point in points:
        if point is None:
            pen = False
            continue
        drawn.append(f"{'L' if pen else 'M'}{point[0]:g} {point[1]:g}")
        pen = True
    if len(drawn) == 1:
        drawn.append("h4")
    return "".join(drawn)


def _area(points: Sequence[Point], height: int) -> str:
    known = [point for point in points if point is not None]
    if len(known) < 2:
        return ""
    line = "".join(f"L{x:g} {y:g}" for x, y in known)
    return f"M{known[0][0]:g} {height}{line}L{known[-1][0]:g} {height}Z"


def _dot(index: int, values: Values, base: Values, top: float, height: int) -> Dot:
    count = len(values)
    half = 50 / (count - 1) if count > 1 else 50
    middle = _x(index, count) * 100
    left, right = max(0.0, middle - half), min(100.0, middle + half)
    compared = base[index] if index < len(base) else None
    places = [
        None if v is None else round(_y(v, top, height), 1) for v in (values[index], compared)
    ]
    return Dot(index, round(middle, 3), round(left, 3), round(right - left, 3), *places)
