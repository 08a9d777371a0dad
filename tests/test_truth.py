"""What is read from the logs of real servers is what they were really sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.recordings import HERE, Recording, differences, sent_to, servers, told_in, truth

NAMES = ("*/zoo_utc_*.log", "*/recorded_*.log")
RECORDINGS = [Recording(path) for name in NAMES for path in sorted((HERE / "formats").glob(name))]
LOSSES = truth("losses.toml")["loss"]

#: A case and a field of it.
Place = tuple[str, str]


def losses_in(recording: Recording) -> Iterator[Mapping[str, Any]]:
    return (
        loss
        for loss in LOSSES
        if loss["server"] == recording.server
        and recording.format in loss.get("formats", [recording.format])
    )


def places(loss: Mapping[str, Any], told: frozenset[str]) -> set[Place]:
    return {(case, field) for case in loss["cases"] for field in loss["fields"] if field in told}


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_every_field_is_as_it_was_sent_but_for_the_listed_losses(recording: Recording) -> None:
    told = told_in(recording)
    excused = set().union(*(places(loss, told) for loss in losses_in(recording)))
    assert [d for d in differences(recording) if (d.case, d.field) not in excused] == []


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_every_listed_loss_is_one(recording: Recording) -> None:
    told, lost = told_in(recording), {(d.case, d.field) for d in differences(recording)}
    for loss in losses_in(recording):
        assert places(loss, told) - lost == set(), loss["reason"]


def test_losses_are_of_recorded_servers_and_each_has_a_reason() -> None:
    for loss in LOSSES:
        assert loss["server"] in {recording.server for recording in RECORDINGS}
        assert set(loss["cases"]) <= set(sent_to(loss["server"]))
        assert loss["reason"].endswith(".")


def test_every_request_without_a_line_has_a_reason() -> None:
    for name, about in servers().items():
        for reasons in (about.get("silent", {}), about.get("twice", {})):
            assert set(reasons) <= set(sent_to(name))
            assert all(reason.endswith(".") for reason in reasons.values())
