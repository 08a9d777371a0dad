"""The benches measure what is there, and know the truth of what they make."""

from __future__ import annotations

import functools
import gzip
import importlib
from pathlib import Path

import pytest

from bench import check, logs, profile, rollup
from bench.parts import Shape, fill
from bench.traffic import Plan
from pipeline import query, question
from pipeline.catalog import Catalog
from pipeline.rollup import rollup as roll_up


@pytest.mark.parametrize(("stage", "module", "name"), profile.STAGES)
def test_each_stage_of_the_profile_is_a_function_there_is(
    stage: str, module: str, name: str
) -> None:
    found = functools.reduce(getattr, name.split("."), importlib.import_module(module))
    assert callable(found), stage


def test_made_parts_have_the_numbers_they_are_said_to_have(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    try:
        truth = fill(catalog, Shape(2_000, pages=50, sites=3, days=2))
        roll_up(catalog)
        asked = question.parse(site=None, metrics=list(next(iter(truth.values()))), by=["date"])
        rollup.hold(truth, {"results": query.answer(catalog, asked).results})
        truth["2026-03-02"]["visits"] += 1
        with pytest.raises(check.Wrong, match="2026-03-02"):
            rollup.hold(truth, {"results": query.answer(catalog, asked).results})
    finally:
        catalog.close()


def test_one_gzip_file_and_many_have_the_bytes_of_the_log(tmp_path: Path) -> None:
    log = logs.make_log(Plan(500), tmp_path)
    plain = log.path.read_bytes()
    many = sorted(logs.scattered(log, 7).path.iterdir())
    assert [path.name for path in many] == [f"access-{n:04}.log.gz" for n in range(1, 8)]
    assert b"".join(map(unpacked, many)) == plain
    assert all(unpacked(path).endswith(b"\n") for path in many)
    assert unpacked(logs.packed(log).path) == plain


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())
