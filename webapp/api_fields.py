"""The fields that models of the API share: what each may be, and how a refusal says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from pipeline import fields, ranges, schema
from pipeline.config import site_name
from pipeline.errors import QueryError
from pipeline.question import METRICS
from pipeline.schema import PROPERTY

MOST_ROWS, MOST_EXPORTED = 10_000, 100_000
KNOWN = (*schema.DIMENSIONS, *schema.DETAILS, *schema.TIMES)
DIMENSIONS = (*KNOWN, f"{PROPERTY}<name>")


def _checked(check: Callable[[str], object], allowed: Iterable[str]) -> AfterValidator:
    """Says what is allowed beside what was wrong."""
    names = list(allowed)

    def validate(text: str) -> str:
        try:
            check(text)
        except (QueryError, ValueError) as error:
            said = f"{error.what} {error.fix}" if isinstance(error, QueryError) else str(error)
            facts = {"said": said.strip(), "allowed": names}
            raise PydanticCustomError("name", "{said}", facts) from error
        return text

    return AfterValidator(validate)


def _metric(name: str) -> None:
    if name not in METRICS:
        raise QueryError(f"There is no metric {name!r}.", fields.near(name, METRICS))


def _comparison(name: str) -> None:
    if name and name not in ranges.COMPARISONS:
        known = ranges.COMPARISONS
        raise QueryError(f"There is no comparison {name!r}.", fields.near(name, known))


def words(given: Any) -> Any:
    """A list, which in an address is written with commas."""
    return [w for w in given.split(",") if w] if isinstance(given, str) else given


_NAMES = {"type": "string", "enum": list(METRICS)}
_DIMENSION = {"anyOf": [{"enum": list(KNOWN)}, {"pattern": f"^{PROPERTY}[^\"'\\\\]+$"}]}
_SITE = {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}$"}
_RANGE = {"type": "string", "pattern": f"^({'|'.join(ranges.WORDS)}|[1-9][0-9]{{0,3}}d)?$"}
#: A day, or a day and a time on it.
_MOMENT = {
    "type": "string",
    "pattern": "^[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?)?$",
}
Moment = Annotated[str, WithJsonSchema(_MOMENT)]
Site = Annotated[str, _checked(site_name, ()), WithJsonSchema(_SITE)]
Metric = Annotated[str, _checked(_metric, METRICS), WithJsonSchema(_NAMES)]
Dimension = Annotated[
    str, _checked(fields.find, DIMENSIONS), WithJsonSchema({"type": "string", **_DIMENSION})
]
RangeWord = Annotated[
    str, _checked(ranges.check_word, (*ranges.WORDS, "<n>d")), WithJsonSchema(_RANGE)
]
Comparison = Annotated[
    str,
    _checked(_comparison, ranges.COMPARISONS),
    WithJsonSchema({"type": "string", "enum": ["", *ranges.COMPARISONS]}),
]
Number = int | float | None
Value = str | int | float | bool | None
