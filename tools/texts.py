"""Bring the catalogues of translations up to what the pages say, and compile them.

    python -m tools.texts

A text of the program without a translation is listed; the page then says it in English.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from pipeline.access.keys import SCOPES
from pipeline.jobs import JOBS
from pipeline.question import METRICS
from webapp.languages import FOLDER, LANGUAGES

WEBAPP = Path(__file__).parents[1] / "webapp"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "mark": None, "_say": None, "ngettext": (1, 2)}


def texts() -> Catalog:
    """Everything that the pages say, from the code, the templates and the schema."""
    found = Catalog()
    for _, _, text, _, _ in extract_from_dir(
        str(WEBAPP), METHODS, {"templates/**.html": {"silent": "false"}}, KEYWORDS
    ):
        found.add(text)
    jobs = [job.about for job in JOBS.values()]
    for text in (*METRICS.values(), *SCOPES.values(), *jobs):
        found.add(text)
    return found


def updated(language: str) -> Catalog:
    """The catalogue of a language with all texts and without those that are said no more."""
    path = place(language)
    old = read_po(io.BytesIO(path.read_bytes()), locale=language) if path.exists() else Catalog()
    fresh = Catalog(language, project="Tallylog", fuzzy=False, creation_date=old.creation_date)
    for message in texts():
        if message.id:
            known = old.get(message.id)
            fresh.add(message.id, known.string if known else "")
    return fresh


def place(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def compiled(catalogue: Catalog) -> bytes:
    target = io.BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


def main() -> None:
    for language in LANGUAGES:
        if language == "en":
            continue
        catalogue, path = updated(language), place(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalogue, width=96, sort_output=True, omit_header=False)
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        missing = [m.id for m in catalogue if m.id and not any(_strings(m.string))]
        print(f"{language}: {len(catalogue)} texts, {len(missing)} without a translation")
        for text in missing:
            print(f"  {text}", file=sys.stderr)


def _strings(string: object) -> list[str]:
    return [str(s) for s in string] if isinstance(string, list | tuple) else [str(string or "")]


if __name__ == "__main__":
    main()
