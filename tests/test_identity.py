"""Sources are known by their content: the trail of points, and what is judged from it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.identity import FORK_BYTES, WINDOW, Known, Trail, judge


def log(count: int, seed: int = 1) -> bytes:
    draw = random.Random(seed)
    return b"".join(
        draw.randbytes(draw.randint(10, 60)).hex().encode() + b"\n" for _ in range(count)
    )


def trail_of(data: bytes, *cuts: int) -> Trail:
    trail = Trail()
    edges = [0, *sorted(cuts), len(data)]
    for start, end in zip(edges, edges[1:], strict=False):
        trail.feed(data[start:end])
    return trail


def known_as(data: bytes, of: bytes | None = None) -> Known:
    """What the catalog knows after reading `of` (or all), met by a stream of `data`."""
    content = data if of is None else of
    theirs, ours = trail_of(content), {p for p in trail_of(data).points}
    shared = [p.position for p in theirs.points if p in ours]
    end = theirs.digest_at(len(content))
    return Known(1, len(content), content.count(b"\n"), end, "combined", {}, max(shared, default=0))


@given(st.integers(1, 400), st.lists(st.integers(0, 20_000), max_size=6))
def test_the_points_do_not_depend_on_how_a_stream_is_cut(count, cuts):
    data = log(count)
    ends = [data.rfind(b"\n", 0, min(cut, len(data))) + 1 for cut in cuts]
    assert trail_of(data, *ends).points == trail_of(data).points


@given(st.integers(1, 400), st.lists(st.integers(0, 20_000), max_size=30))
def test_a_trail_that_is_trimmed_goes_on_with_the_same_points_and_digests(count, cuts):
    data = log(count)
    whole, small, points = trail_of(data), Trail(), []
    edges = sorted({0, *(min(cut, len(data)) for cut in cuts), len(data)})
    for start, end in zip(edges, edges[1:], strict=False):
        small.feed(data[start:end])
        points += [p for p in small.points if start < p.position]
        small.trim()
        assert small.digest_at(end) == trail_of(data[:end]).digest_at(end)
        assert small.recent == data[:end][-WINDOW:]
    assert points == whole.points


def test_a_large_file_has_few_points():
    points = trail_of(log(60_000)).points
    assert points[-1].position > 3 << 20 and len(points) < 200


def test_the_same_content_resumes_at_its_end():
    data = log(500)
    verdict = judge(trail_of(data), [known_as(data)], True)
    assert (verdict.kind, verdict.offset) == ("resume", len(data))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_grown_file_resumes_where_it_was_left(share):
    data = log(3000)
    before = data[: data.rfind(b"\n", 0, int(len(data) * share)) + 1]
    verdict = judge(trail_of(data), [known_as(data, before)], True)
    assert (verdict.kind, verdict.offset) == ("resume", len(before))


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.99])
def test_a_beginning_of_a_known_file_is_known_when_it_ends_and_open_until_then(share):
    whole = log(3000)
    part = whole[: whole.find(b"\n", int(len(whole) * share)) + 1]
    assert judge(trail_of(part), [known_as(part, whole)], True).kind == "known"
    assert judge(trail_of(part), [known_as(part, whole)], False).kind == "open"


@pytest.mark.parametrize("shared_lines", [1, 5, 60, 300])
def test_files_that_begin_alike_and_then_differ_are_different_files(shared_lines):
    start = log(shared_lines)
    ours, theirs = start + log(400, 2), start + log(700, 3)
    assert len(start) < FORK_BYTES
    for data, of in ((ours, theirs), (theirs, ours)):
        assert judge(trail_of(data), [known_as(data, of)], True).kind == "new"


def test_a_copy_that_was_changed_late_counts_from_where_it_differs():
    start = log(5000)
    ours, theirs = start + log(900, 2), start + log(900, 3)
    verdict = judge(trail_of(ours), [known_as(ours, theirs)], True)
    assert verdict.kind == "fork"
    assert len(start) * 7 // 8 - 4096 <= verdict.offset <= len(start)


def test_a_source_that_was_claimed_but_never_committed_is_read_from_its_start():
    data = log(500)
    claimed = Known(1, 0, 0, b"", "combined", {}, trail_of(data).points[-1].position)
    verdict = judge(trail_of(data), [claimed], False)
    assert (verdict.kind, verdict.offset) == ("resume", 0)


def test_of_two_sources_that_fit_the_longer_one_goes_on():
    data = log(500)
    first, second = data[: data.find(b"\n") + 1], data[: data.rfind(b"\n", 0, 9000) + 1]
    verdict = judge(trail_of(data), [known_as(data, first), known_as(data, second)], True)
    assert verdict.offset == len(second)
