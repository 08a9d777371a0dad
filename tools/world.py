"""Draw the map of the world that the dashboard shows, once: webapp/static/world.svg.

    npm pack world-atlas@2.0.2 && tar -xf world-atlas-2.0.2.tgz
    python tools/world.py package/countries-110m.json webapp/static/world.svg

The outlines are Natural Earth's (public domain) as npm `world-atlas` packs them (ISC); they are
projected by Natural Earth I (the polynomial of T. Patterson, B. Savric and B. Jenny, 2011).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.core import get_global

WIDTH = 960
#: The part that is shown: without Antarctica and the empty edges of the Pacific.
LEFT, TOP, RIGHT, BOTTOM = 62, 0, 934, 416
#: Those without a number of their own in the atlas.
BY_NAME = {"Kosovo": "XK"}
LEFT_OUT = {"AQ"}
A = (0.8707, -0.131979, -0.013791, 0.003971, -0.001529)
B = (1.007226, 0.015085, -0.044475, 0.028874, -0.005916)

Point = tuple[float, float]


def project(longitude: float, latitude: float) -> Point:
    x, y = math.radians(longitude), math.radians(latitude)
    y2 = y * y
    across = x * (A[0] + y2 * (A[1] + y2 * (A[2] + y2**3 * (A[3] + y2 * A[4]))))
    up = y * (B[0] + y2 * (B[1] + y2**2 * (B[2] + y2 * (B[3] + y2 * B[4]))))
    scale = WIDTH / (2 * math.pi * A[0])
    return WIDTH / 2 + across * scale, 222 - up * scale


def arcs(world: dict[str, Any]) -> list[list[Point]]:
    (sx, sy), (tx, ty) = world["transform"]["scale"], world["transform"]["translate"]
    found = []
    for arc in world["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * sx + tx, y * sy + ty))
        found.append(line)
    return found


def rings(geometry: dict[str, Any], lines: list[list[Point]]) -> Iterator[list[Point]]:
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    for polygon in polygons:
        for ring in polygon:
            points: list[Point] = []
            for number in ring:
                line = lines[number] if number >= 0 else lines[~number][::-1]
                points += line[1:] if points else line
            yield [project(*point) for point in unwrapped(points)]


def unwrapped(points: list[Point]) -> Iterator[Point]:
    """A ring that crosses the date line goes on beyond it instead of around the world."""
    turn, before = 0.0, points[0][0]
    for longitude, latitude in points:
        if abs(longitude - before) > 180:
            turn += 360.0 if longitude < before else -360.0
        before = longitude
        yield longitude + turn, latitude


def path(geometry: dict[str, Any], lines: list[list[Point]]) -> str:
    """Whole pixels are enough; points that fall together are drawn once."""
    drawn = ""
    for ring in rings(geometry, lines):
        spots = [(round(x * 2) / 2, round(y * 2) / 2) for x, y in ring]
        spots = [spot for i, spot in enumerate(spots) if i == 0 or spot != spots[i - 1]]
        if len(spots) > 3:
            (x, y), text = spots[0], f"M{spots[0][0]:g} {spots[0][1]:g}"
            for nx, ny in spots[1:]:
                text += f"l{nx - x:g} {ny - y:g}"
                x, y = nx, ny
            drawn += text + "z"
    return drawn


def code(geometry: dict[str, Any]) -> str:
    number = geometry.get("id")
    known = get_global("territory_aliases").get(number) if number else None
    return known[0] if known else BY_NAME.get(geometry["properties"]["name"], "")


def main(atlas: Path, target: Path) -> None:
    world = json.loads(atlas.read_text("utf-8"))
    lines = arcs(world)
    shapes = []
    for geometry in world["objects"]["countries"]["geometries"]:
        name, drawn = code(geometry), path(geometry, lines)
        if drawn and name not in LEFT_OUT:
            shapes.append((name or "-", drawn))
    named = [f'<path id="{name}" d="{drawn}"/>' for name, drawn in sorted(shapes) if name != "-"]
    rest = "".join(drawn for name, drawn in shapes if name == "-")
    box = f"{LEFT} {TOP} {RIGHT - LEFT} {BOTTOM - TOP}"
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">'
        "<!-- Natural Earth (public domain), from world-atlas 2.0.2 (ISC), by tools/world.py -->\n"
        + "\n".join([*named, f'<path id="rest" d="{rest}"/>'])
        + "\n</svg>\n"
    )
    target.write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
