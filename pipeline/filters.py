"""Filters: which records, and by them which views, visits and visitors, a question is about.

A filter is a test of one dimension, or made of filters by and, or, not and "has done". Each is
either true or false of a record; there is no third.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline import fields

Value = str | int | bool | dt.date
#: SQL of a test: {0} is the column, {1} the name of the bound value.
TESTS = {
    "==": "{0} is not distinct from ${1}",
    "!=": "{0} is distinct from ${1}",
    "~": "coalesce(regexp_full_match({0}::varchar, ${1}, 's'), false)",
    "=~": "coalesce(regexp_matches({0}::varchar, ${1}, 's'), false)",
    "*=": "coalesce(contains({0}::varchar, ${1}), false)",
    ">=": "{0} >= ${1}",
    "<": "{0} < ${1}",
}
#: The same for an empty value, which stands for none.
EMPTY = {"==": "coalesce({0}::varchar, '') = ''", "!=": "coalesce({0}::varchar, '') <> ''"}


@dataclass(frozen=True, slots=True)
class Filter:
    """A test of one dimension. `operator` is == or !=, where an empty value stands for none,
    ~ with a pattern in which * stands for any characters and ? for one, =~ with a regular
    expression that is found anywhere, or *= with a text that is."""

    dimension: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Every:
    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Tree


@dataclass(frozen=True, slots=True)
class Done:
    """The visitor has, on the same day, a view, content view or event that fits."""

    part: Tree


Tree = Filter | Every | Either | Not | Done
#: SQL of a dimension's value, and of "the visitor is one of those who did", given the condition.
Reads = Callable[[str], str]


def parts_of(tree: Tree) -> tuple[Tree, ...]:
    if isinstance(tree, Filter):
        return ()
    return tree.parts if isinstance(tree, Every | Either) else (tree.part,)


def walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    for part in parts_of(tree):
        yield from walk(part)


def leaves(tree: Tree) -> Iterator[Filter]:
    return (part for part in walk(tree) if isinstance(part, Filter))


def tested(tree: Tree) -> Iterator[Filter]:
    """The tests of the record itself, and not of what its visitor did."""
    if isinstance(tree, Filter):
        yield tree
    elif not isinstance(tree, Done):
        for part in parts_of(tree):
            yield from tested(part)


def depth(tree: Tree) -> int:
    return 1 + max(map(depth, parts_of(tree)), default=0)


def dimensions_of(filters: Iterable[Tree]) -> set[str]:
    return {leaf.dimension for tree in filters for leaf in leaves(tree)}


def has_done(filters: Iterable[Tree]) -> bool:
    return any(isinstance(part, Done) for tree in filters for part in walk(tree))


def named(filters: Sequence[Tree]) -> dict[str, Tree]:
    """The names under which the values of each are bound, followed by the number of the test."""
    return {f"filter{number}_": tree for number, tree in enumerate(filters)}


def parameters(filters: Sequence[Tree]) -> dict[str, Value]:
    """What a statement with the conditions of these filters is executed with."""
    return {
        f"{name}{number}": _bound(leaf)
        for name, tree in named(filters).items()
        for number, leaf in enumerate(leaves(tree))
        if not _is_empty(leaf)
    }


def _is_empty(leaf: Filter) -> bool:
    return leaf.value == "" and leaf.operator in EMPTY


def _bound(leaf: Filter) -> Value:
    if leaf.operator != "~":
        return leaf.value
    # A regular expression of these three pieces runs in linear time, whatever the pattern.
    wild = {"*": ".*", "?": "."}
    return "".join(wild.get(c) or re.escape(c) for c in str(leaf.value))


def condition(tree: Tree, name: str, read: Reads, did: Reads | None = None) -> str:
    """SQL that is true or false. `name` is the one that the tree has by `named`."""
    if isinstance(tree, Filter) and tree.operator == "==" and not _is_empty(tree):
        return f"{read(tree.dimension)} = ${name}0"  # so DuckDB can skip rows that don't fit
    return _condition(tree, (f"{name}{n}" for n in range(1 << 20)), read, did)


def _condition(tree: Tree, names: Iterator[str], read: Reads, did: Reads | None) -> str:
    if isinstance(tree, Filter):
        name = next(names)
        known = EMPTY if _is_empty(tree) else TESTS
        return known[tree.operator].format(read(tree.dimension), name)
    if isinstance(tree, Not):
        return f"not ({_condition(tree.part, names, read, did)})"
    if isinstance(tree, Done):
        assert did is not None, "only events say what a visitor did"
        return did(_condition(tree.part, names, _of_step, None))
    texts = [f"({_condition(part, names, read, did)})" for part in tree.parts]
    joined = " and " if isinstance(tree, Every) else " or "
    return joined.join(texts) or ("true" if isinstance(tree, Every) else "false")


def _of_step(dimension: str) -> str:
    return fields.expression("steps" if fields.of_view(dimension) else "visits", dimension)


def where(table: str, filters: dict[str, Tree]) -> str:
    """All of the conditions, read from one table."""

    def read(dimension: str) -> str:
        return fields.expression(table, dimension)

    found = [f"({condition(tree, name, read)})" for name, tree in filters.items()]
    return " and ".join(found) or "true"
