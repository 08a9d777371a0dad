"""The answer to a question as a file."""

from __future__ import annotations

import io
from dataclasses import replace

from flask import Response

from pipeline import export as files
from pipeline import extract, question
from pipeline.query import Answer
from webapp import api_models as m
from webapp.answering import BOUNDS, ask, turn
from webapp.api_fields import MOST_EXPORTED


def export(asked: m.ExportAsked) -> Response:
    said = asked.as_question()
    form = files.format_named(said.pop("format"))
    (answer,) = ask([question.from_dict(said)], replace(BOUNDS, rows=MOST_EXPORTED))
    return as_file(answer, form, asked.site)


def as_file(answer: Answer, form: files.Format, site: str) -> Response:
    file = io.BytesIO()
    with turn():
        form.write(extract.answer(answer), file)
    told = Response(file.getvalue(), content_type=form.content_type)
    told.headers.set("Content-Disposition", "attachment", filename=f"{site}.{form.name}")
    return told
