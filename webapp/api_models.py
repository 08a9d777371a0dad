"""What the API is asked and what it tells, as models: the only list of its fields. The OpenAPI
document and the page about the API are made from them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pipeline.question import DEFAULT_METRICS
from webapp.api_fields import (
    MOST_EXPORTED,
    MOST_ROWS,
    Comparison,
    Dimension,
    Metric,
    Moment,
    Number,
    RangeWord,
    Site,
    Value,
    words,
)


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class QueryAsked(Asked):
    """A question: metrics by dimensions, within a range and under filters."""

    site: Site = Field(description="Name of the site.")
    metrics: Annotated[list[Metric], BeforeValidator(words)] = Field(
        default=list(DEFAULT_METRICS), max_length=20, description="What to count."
    )
    dimensions: Annotated[list[Dimension], BeforeValidator(words)] = Field(
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
