"""The one way by which the web asks questions: within the visitor's rights, within what one
question may cost, and no more of them at once than the machine bears."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import BoundedSemaphore

from flask import Flask, current_app
from werkzeug.exceptions import ServiceUnavailable

from pipeline import query, question, schema
from pipeline.access.owners import Item
from pipeline.config import Config
from pipeline.deadline import Deadline
from pipeline.errors import QueryError
from pipeline.fields import is_of_events
from pipeline.filter_words import parse_tree
from pipeline.filters import Tree, dimensions_of, has_done
from pipeline.query import Answer
from pipeline.question import Bounds, Query
from webapp.auth import access, refuse, require_read
from webapp.current import cache, catalog, deadline, engine
from webapp.problems import RETRY_SECONDS

#: How long a question waits for its turn.
WAIT_SECONDS = 2.0
BOUNDS = Bounds()
_EVENTS = "ask for events"
_NAME = "tallylog.answering"


def install(app: Flask, config: Config) -> None:
    app.extensions[_NAME] = BoundedSemaphore(config.web.queries)


def ask(
    queries: Sequence[Query], bounds: Bounds = BOUNDS, until: Deadline | None = None
) -> list[Answer]:
    """The answers; those of a share link within its filters. Raises what answers a visitor who
    may not ask this, `QueryError` for what is too much, and 503 when too many ask at once. Who
    asks several times in one request has one time for all, `until`."""
    return _ask([_within_rights(one) for one in queries], bounds, until or deadline())


def ask_about(item: Item, queries: Sequence[Query], until: Deadline) -> list[Answer]:
    """The answers to questions that are about one content item, which its owner may ask."""
    if access().item != item:
        return ask(queries, until=until)
    return _ask(queries, BOUNDS, until)


def _ask(queries: Sequence[Query], bounds: Bounds, until: Deadline) -> list[Answer]:
    asked = [bounds.bounded(one) for one in queries]
    with turn():
        return query.answers(catalog(), asked, engine=engine(), cache=cache(), deadline=until)


@contextmanager
def turn() -> Iterator[None]:
    """Of those that may work at once."""
    turns: BoundedSemaphore = current_app.extensions[_NAME]
    if not turns.acquire(timeout=WAIT_SECONDS):
        said = "Too many questions are being answered at once."
        raise ServiceUnavailable(said, retry_after=RETRY_SECONDS)
    try:
        yield
    finally:
        turns.release()


def _within_rights(one: Query) -> Query:
    if one.site is None:
        if not access().reads_all:
            refuse()
        return one
    require_read(one.site)
    return _narrowed(one, parse_tree(access().filter_of(one.site)))


def _narrowed(one: Query, link: tuple[Tree, ...]) -> Query:
    """Within the filter of a share link. What would count beyond it is refused: what visitors did
    elsewhere, and a rate whose base is without filters by events."""
    if link and has_done(one.filters):
        raise QueryError("A link with a filter can't be asked by has_done.", "leave it out")
    of_events = any(map(is_of_events, dimensions_of(link)))
    if schema.CONVERSION_RATE in one.metrics and of_events:
        raise QueryError(f"A link to events can't be asked for {schema.CONVERSION_RATE}.", _EVENTS)
    narrowed = replace(one, filters=(*one.filters, *link))
    question.check(narrowed)
    return narrowed
