"""The one way by which the web asks questions: within the visitor's rights, within what one
question may cost, and no more of them at once than the machine bears."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import BoundedSemaphore

from flask import Flask, current_app
from werkzeug.exceptions import ServiceUnavailable

from pipeline import query
from pipeline.access.owners import Item
from pipeline.config import Config
from pipeline.filter_words import parse_tree
from pipeline.query import Answer
from pipeline.question import Bounds, Query
from webapp.auth import access, refuse, require_read
from webapp.current import cache, catalog, deadline, engine
from webapp.problems import RETRY_SECONDS

#: How long a question waits for its turn.
WAIT_SECONDS = 2.0
BOUNDS = Bounds()
_NAME = "tallylog.answering"


def install(app: Flask, config: Config) -> None:
    app.extensions[_NAME] = BoundedSemaphore(config.web.queries)


def ask(queries: Sequence[Query], bounds: Bounds = BOUNDS) -> list[Answer]:
    """The answers; those of a share link within its filters. Raises what answers a visitor who
    may not ask this, `QueryError` for what is too much, and 503 when too many ask at once."""
    return _ask([_within_rights(one) for one in queries], bounds)


def ask_about(item: Item, queries: Sequence[Query]) -> list[Answer]:
    """The answers to questions that are about one content item, which its owner may ask."""
    if access().item != item:
        return ask(queries)
    return _ask(queries, BOUNDS)


def _ask(queries: Sequence[Query], bounds: Bounds) -> list[Answer]:
    asked = [bounds.bounded(one) for one in queries]
    with turn():
        return query.answers(catalog(), asked, engine=engine(), cache=cache(), deadline=deadline())


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
    return replace(one, filters=(*one.filters, *parse_tree(access().filter_of(one.site))))
