"""Hold what Tallylog answers against the truth of a generated log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

#: Asks the command line, gives back its JSON.
Ask = Callable[..., Any]
PER_DAY = ("hits", "bot_hits", "bytes", "views", "visitors")


class Wrong(Exception):
    """A number is not the true one: a fast wrong number is worth nothing."""


def check(truth: Mapping[str, Any], summary: Mapping[str, Any], ask: Ask) -> None:
    """Raise `Wrong` with every difference; silence means all numbers are exact."""
    compare(
        _summed(truth),
        {
            "records": summary["records"],
            "new_records": summary["new_records"],
            "rejected": summary["rejected"],
            "bots": summary["bots"],
            "hits": sum(summary["classes"].values()),
            "pages": _pages(ask),
        },
        "summary",
    )
    days = ask("--metrics", ",".join(PER_DAY), "--by", "date", "--limit", "10000")
    compare(truth["days"], rows(days, PER_DAY), "days")
    statuses = ask("--metrics", "hits", "--by", "status", "--limit", "1000")
    found = {key: row["hits"] for key, row in rows(statuses, ("hits",)).items()}
    compare(truth["statuses"], found, "statuses")


def compare(expected: Mapping[str, Any], found: Mapping[str, Any], what: str) -> None:
    wrong = [
        f"{what} {key}: {found.get(key)} is not {expected.get(key)}"
        for key in sorted({*expected, *found})
        if expected.get(key) != found.get(key)
    ]
    if wrong:
        raise Wrong("\n".join(wrong))


def parse(text: str) -> Any:
    return json.loads(text)


def _summed(truth: Mapping[str, Any]) -> dict[str, int]:
    return {
        "records": truth["records"],
        "new_records": truth["records"],
        "rejected": truth["rejected"],
        "bots": truth["bot_hits"],
        "hits": truth["hits"],
        "pages": truth["views"],
    }


def _pages(ask: Ask) -> int:
    results = ask("--metrics", "views")["results"]
    return int(results[0]["metrics"][0]) if results else 0


def rows(answer: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, dict[str, int]]:
    return {
        str(row["dimensions"][0]): dict(zip(names, row["metrics"], strict=True))
        for row in answer["results"]
    }
