"""Filters as users write them: a line of text, or lists of JSON."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from pipeline import fields
from pipeline.errors import QueryError
from pipeline.fields import PROPERTY, near
from pipeline.filters import Done, Either, Every, Filter, Not, Tree, Value, has_done

#: Words of JSON for tests, and whether a record that fits one of the values fits.
TESTS = {
    "is": ("==", True),
    "is_not": ("!=", False),
    "contains": ("*=", True),
    "matches": ("~", True),
    "matches_regex": ("=~", True),
}
_WORDS = {operator: word for word, (operator, _) in TESTS.items()}
JOINS: dict[str, type[Every] | type[Either]] = {"and": Every, "or": Either}
WORDS = (*TESTS, *JOINS, "not", "has_done")
_TEXT = re.compile(r"\s*(\w+|\w+:.*?)\s*(==|!=|!~|=~|\*=|~)(.*)", re.DOTALL)
_SHAPE = 'such as ["is", "country", ["FR"]], ["and", [f, g]], ["not", f] or ["has_done", f]'


def parse_text(text: str) -> Tree:
    """`dim==value`, `dim!=value`, `dim~pattern`, `dim!~pattern`, `dim=~regex` or `dim*=part`."""
    match = _TEXT.fullmatch(text)
    if not match:
        raise QueryError(
            f"{text!r} is not a filter.", "write dimension==value, !=value or ~pattern with * and ?"
        )
    operator, value = match[2], match[3].strip()
    if operator == "!~":
        return Not(_test(match[1], "~", value))
    return _test(match[1], operator, value)


def parse_tree(given: Any) -> tuple[Tree, ...]:
    """What JSON says: nothing, a filter, or a list of filters as text, that must all fit."""
    if given is None or given == [] or given == "":
        return ()
    if isinstance(given, str):
        return (parse_text(given),)
    if isinstance(given, Sequence) and all(_is_text(text) for text in given):
        return tuple(map(parse_text, given))
    tree = _tree(given, 0)
    return tree.parts if isinstance(tree, Every) and not _is_one_test(tree) else (tree,)


def _is_text(given: Any) -> bool:
    return isinstance(given, str) and given not in WORDS


def _tree(given: Any, level: int) -> Tree:
    if level > 40:
        raise QueryError("The filter is nested too deeply.", "write it flatter")
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise QueryError(f"{_shown(given)} is not a filter.", f"write a list {_SHAPE}")
    word, *rest = given
    if not isinstance(word, str):
        raise QueryError(f"A filter begins with {_shown(word)}.", f"write it {_SHAPE}")
    if word in TESTS and len(rest) == 2 and isinstance(rest[0], str):
        return _tests(word, rest[0], rest[1])
    if word in JOINS and len(rest) == 1 and isinstance(rest[0], Sequence):
        return JOINS[word](tuple(_tree(part, level + 1) for part in rest[0]))
    if word in ("not", "has_done") and len(rest) == 1:
        part = _tree(rest[0], level + 1)
        if word == "not":
            return Not(part)
        if has_done([part]):
            raise QueryError("has_done stands within has_done.", "join the two with and")
        return Done(part)
    advice = f"write it {_SHAPE}" if word in WORDS else near(word, WORDS)
    raise QueryError(f"A filter begins with {_shown(word)}.", advice)


def _shown(given: Any) -> str:
    """No more of it than fits into a message."""
    text = repr(given)
    return text if len(text) <= 100 else f"{text[:100]}…"


def _tests(word: str, dimension: str, values: Any) -> Tree:
    if isinstance(values, str | int | float | None):
        values = [values]
    if not values or not isinstance(values, Sequence):
        raise QueryError(f"{word} of {dimension} has no values.", f"write it {_SHAPE}")
    operator, either = TESTS[word]
    tests = tuple(_test(dimension, operator, value) for value in values)
    if len(tests) == 1:
        return tests[0]
    return Either(tests) if either else Every(tests)


def _test(name: str, operator: str, value: Any) -> Filter:
    fields.find(name)
    if operator in ("==", "!="):
        return Filter(name, operator, _typed(name, value))
    if not isinstance(value, str) or not value:
        raise QueryError(f"{name} can't be compared with {value!r}.", "give it a text")
    return Filter(name, operator, value)


def _typed(dimension: str, value: Any) -> Value:
    kind = fields.column_type(dimension)
    if value is None or value == "":
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if pa.types.is_string(kind):
        return text
    if pa.types.is_date(kind):
        return parse_date(text)
    if pa.types.is_boolean(kind):
        if text not in ("true", "false"):
            raise QueryError(f"{dimension} is true or false, not {text!r}.")
        return text == "true"
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise QueryError(f"{dimension} is a whole number, not {text!r}.")
    return int(text)


def parse_date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise QueryError(f"{text!r} is not a day.", "write it as 2026-11-21") from error


def as_json(filters: Iterable[Tree]) -> list[Any] | None:
    """What `parse_tree` reads."""
    found = [_written(tree) for tree in filters]
    if not found:
        return None
    return found[0] if len(found) == 1 else ["and", found]


def _written(tree: Tree) -> list[Any]:
    if isinstance(tree, Filter):
        return [_WORDS[tree.operator], tree.dimension, [_plain(tree)]]
    if isinstance(tree, Not | Done):
        return ["not" if isinstance(tree, Not) else "has_done", _written(tree.part)]
    if _is_one_test(tree):
        word, dimension, _ = _written(tree.parts[0])
        return [word, dimension, [_plain(part) for part in tree.parts]]
    return ["and" if isinstance(tree, Every) else "or", list(map(_written, tree.parts))]


def _is_one_test(tree: Every | Either) -> bool:
    """Whether it is one test against several values."""
    tests = [part for part in tree.parts if isinstance(part, Filter)]
    if len(tests) < len(tree.parts) or len({(t.dimension, t.operator) for t in tests}) != 1:
        return False
    return TESTS[_WORDS[tests[0].operator]][1] == isinstance(tree, Either)


def _plain(test: Tree) -> Any:
    assert isinstance(test, Filter)
    if test.value == "" and test.operator in ("==", "!="):
        return None
    return test.value.isoformat() if isinstance(test.value, dt.date) else test.value


assert PROPERTY.endswith(":"), "a text filter takes a name with a colon for a property"
