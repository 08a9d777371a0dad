"""What the API is asked and what it tells, as models: the only list of its fields. The OpenAPI
document and the page about the API are made from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from pipeline import fields, ranges, schema
from pipeline.config import site_name
from pipeline.errors import QueryError
from pipeline.question import DEFAULT_METRICS, METRICS
from pipeline.schema import PROPERTY

MOST_ROWS, MOST_EXPORTED = 10_000, 1_000_000
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


def _words(given: Any) -> Any:
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


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class QueryAsked(Asked):
    """A question: metrics by dimensions, within a range and under filters."""

    site: Site = Field(description="Name of the site.")
    metrics: Annotated[list[Metric], BeforeValidator(_words)] = Field(
        default=list(DEFAULT_METRICS), max_length=20, description="What to count."
    )
    dimensions: Annotated[list[Dimension], BeforeValidator(_words)] = Field(
        default=[], max_length=20, description="What to count it by."
    )
    range: RangeWord = Field(
        default="30d", description="A word for a range, or the days of `from` and `to`."
    )
    first: Moment | None = Field(
        default=None, alias="from", description="First day, or day and time, of the site's zone."
    )
    last: Moment | None = Field(default=None, alias="to", description="Last day, or day and time.")
    filters: list[Any] | None = Field(
        default=None,
        description='Nested lists such as ["and", [["is", "country", ["FR"]], ["not", f]]], or'
        " texts such as country==FR that must all fit.",
    )
    compare: Comparison = Field(default="", description="What the range is compared with.")
    order: str = Field(default="", max_length=200, description="Name to sort by; - turns it.")
    limit: int = Field(default=100, ge=1, le=MOST_ROWS, description="At most so many rows.")
    offset: int = Field(default=0, ge=0, le=10_000_000, description="Rows to leave out.")

    def as_question(self) -> dict[str, Any]:
        """Days win over a word that was not said."""
        said = self.model_dump(by_alias=True)
        if (self.first or self.last) and "range" not in self.model_fields_set:
            said["range"] = ""
        return said


class ExportAsked(QueryAsked):
    format: Literal["csv", "json", "xlsx", "parquet"] = Field(
        default="csv", description="Kind of file."
    )
    limit: int = Field(default=100_000, ge=1, le=MOST_EXPORTED, description="At most so many rows.")


class Change(Told):
    metrics: list[Number]
    change: list[Number] = Field(description="Relative; null where there was nothing before.")


class Row(Told):
    dimensions: list[Value]
    metrics: list[Number] = Field(description="Null where it is not known.")
    comparison: Change | None = None


class QueryTold(Told):
    query: dict[str, Any] = Field(description="What was answered; it can be asked again as it is.")
    results: list[Row]
    meta: dict[str, Any] = Field(description="How exact it is, from what, and what is missing.")


class NothingAsked(Asked):
    """No parameters."""


class SiteTold(Told):
    name: str
    timezone: str
    public: bool
    first: dt.date | None = Field(description="First day with records.")
    last: dt.date | None


class SitesTold(Told):
    sites: list[SiteTold]


class ContentAsked(Asked):
    site: Site = Field(description="Name of the site.")
    type: str = Field(min_length=1, max_length=200, description="Type of the content item.")
    id: str = Field(min_length=1, max_length=500, description="Id of the content item.")
    range: RangeWord = Field(default="30d", description="A word for a range.")


class Views(Told):
    views: Number
    unique: Number = Field(description="Visitors; null where that is not known.")


class Share(Views):
    value: Value = Field(description="Null where it was not told.")


class EventCount(Told):
    event: Value
    count: Number


class ContentTold(Told):
    site: str
    type: str
    id: str
    first: str | None = Field(serialization_alias="from")
    last: str | None = Field(serialization_alias="to")
    total: Views
    signed_in: Views
    anonymous: Views
    countries: list[Share]
    devices: list[Share]
    view_types: list[Share]
    view_sources: list[Share]
    trend: list[Share] = Field(description="Days with views; `value` is the day.")
    events: list[EventCount] = Field(description="Custom events about it, such as reactions.")
    meta: dict[str, Any]


class AccountsAsked(Asked):
    site: Site | None = Field(default=None, description="Name of a site; without it, all.")


class AccountTold(Told):
    source_id: int
    path: str | None = Field(description="Null for who may not change the site.")
    site: str = Field(description="Empty where each line says its host.")
    read_date: dt.date
    outcome: str
    records: int
    bots: int


class AccountsTold(Told):
    accounts: list[AccountTold]


class LiveAsked(Asked):
    site: Site = Field(description="Name of the site.")


class LiveTold(Told):
    site: str
    minutes: int
    visitors: Number
    views: Number
    pages: list[Share]


class OwnerTokenAsked(Asked):
    site: Site = Field(description="Name of the site.")
    type: str = Field(min_length=1, max_length=200, description="Type of the content item.")
    id: str = Field(min_length=1, max_length=500, description="Id of the content item.")
    days: int = Field(default=30, ge=1, le=366, description="Days that it holds.")


class OwnerTokenTold(Told):
    token: str = Field(description="Reads the statistics of the item; kept nowhere.")


class Fault(Told):
    message: str
    field: str | None = None
    allowed: list[str] | None = None


class Problem(Told):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    help: str | None = None
    errors: list[Fault] | None = None
