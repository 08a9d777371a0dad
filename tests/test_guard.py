"""What the guard of the speed says to figures made up for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.guard import COMMITTED, Guard, accept, load

GUARD = Guard(lines=1, pairs=1, ratio=8.0, tolerance=0.25)


def measures(ratios: Sequence[float]) -> Callable[[], float]:
    """Gives the ratios one after the other; more than these may not be asked for."""
    left = list(ratios)
    return lambda: left.pop(0)


@pytest.mark.parametrize(
    ("measured", "holds", "says"),
    [
        ([8.0], True, "8.00 ×"),
        ([10.0], True, "10.00 ×"),
        ([10.1, 10.1], False, "slower: 10.10 ×"),
        ([30.0, 12.0], False, "slower: 12.00 ×"),
        ([10.1, 10.0], True, "10.00 ×"),
        ([6.0], True, "6.00 ×"),
        ([5.9], True, "faster: 5.90 ×"),
    ],
)
def test_a_ratio_holds_up_to_a_quarter_more_and_is_measured_twice_before_it_fails(
    measured: list[float], holds: bool, says: str
) -> None:
    found, text = GUARD.judge(measures(measured))
    assert found is holds
    assert text.startswith(says)


def test_the_committed_guard_is_of_a_log_large_enough_and_no_wider_than_a_quarter() -> None:
    guard = load()
    assert guard.lines >= 200_000
    assert guard.pairs >= 5
    assert guard.tolerance <= 0.25


def test_an_accepted_ratio_replaces_the_committed_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "guard.toml"
    path.write_text(COMMITTED.read_text())
    before = load(path)
    accept(before, 3.14159, path)
    assert load(path) == Guard(before.lines, before.pairs, 3.14, before.tolerance)
    changed = set(path.read_text().splitlines()) ^ set(COMMITTED.read_text().splitlines())
    assert all(line.startswith("ratio = ") for line in changed)
