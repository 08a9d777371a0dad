"""The reader's language, numbers and dates. Texts come from the catalogues in translations/."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_interval, format_skeleton, format_time
from babel.numbers import format_compact_decimal, format_decimal, format_percent
from babel.support import NullTranslations, Translations
from babel.units import format_unit
from flask import Flask, g, request

FOLDER = Path(__file__).parent / "translations"
#: Languages with a catalogue; the texts themselves are English.
LANGUAGES = {"en": "English", "de": "Deutsch"}
COOKIE = "language"


def mark(text: str) -> str:
    """Says that a text of a table is translated where it is shown."""
    return text


@lru_cache(maxsize=len(LANGUAGES))
def _catalogue(language: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    return Translations.load(str(FOLDER), [language])


def _wished() -> Locale:
    """What the reader chose, or else the first language of the browser that is known."""
    chosen = request.cookies.get(COOKIE, "")
    words = [chosen] if chosen in LANGUAGES else []
    for word in (*words, *request.accept_languages.values()):
        try:
            return Locale.parse(word, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return Locale("en")


@dataclass(frozen=True, slots=True)
class Reader:
    """How one reader is spoken to."""

    locale: Locale
    language: str
    texts: NullTranslations

    def text(self, message: str, **values: Any) -> str:
        found = str(self.texts.gettext(message)) if message else ""
        return found % values if values else found

    def number(self, value: float | None, digits: int = 0) -> str:
        if value is None:
            return "–"
        pattern = "#,##0" if not digits else "#,##0." + "0" * digits
        return str(format_decimal(value, format=pattern, locale=self.locale))

    def compact(self, value: float | None) -> str:
        """At most about four digits: 9,999 and 12.3K."""
        if value is None:
            return "–"
        if abs(value) < 10_000:
            return self.number(value)
        short = str(format_compact_decimal(value, locale=self.locale, fraction_digits=1))
        # Some languages have no short word for thousands.
        return self.number(value) if short.isdigit() else short

    def percent(self, value: float | None, digits: int = 0) -> str:
        if value is None:
            return "–"
        pattern = "#,##0%" if not digits else "#,##0." + "0" * digits + "%"
        return str(format_percent(value, format=pattern, locale=self.locale))

    def size(self, count: float | None) -> str:
        """Bytes, in thousands."""
        if count is None:
            return "–"
        for unit in ("B", "kB", "MB", "GB", "TB"):
            if abs(count) < 1000 or unit == "TB":
                break
            count /= 1000
        return f"{self.number(count, 0 if unit == 'B' or count >= 100 else 1)} {unit}"

    def seconds(self, value: float | None) -> str:
        if value is None:
            return "–"
        whole = round(value)
        if whole < 60:
            return f"{self.number(whole)}s"
        if whole < 3600:
            return f"{whole // 60}m {whole % 60:02}s"
        return f"{self.number(whole // 3600)}h {whole % 3600 // 60:02}m"

    def milliseconds(self, value: float | None) -> str:
        if value is None:
            return "–"
        if value >= 1000:
            return f"{self.number(value / 1000, 1 if value < 10_000 else 0)} s"
        return f"{self.number(value)} ms"

    def date(self, day: dt.date, form: str = "medium") -> str:
        return str(format_date(day, form, locale=self.locale))

    def short_date(self, day: dt.date) -> str:
        return str(format_skeleton("MMMd", day, locale=self.locale))

    def interval(self, first: dt.date, last: dt.date) -> str:
        return str(format_interval(first, last, "yMMMd", locale=self.locale))

    def weekday(self, day: dt.date) -> str:
        return str(format_skeleton("yMMMEd", day, locale=self.locale))

    def month(self, day: dt.date) -> str:
        return str(format_skeleton("yMMM", day, locale=self.locale))

    def hour(self, hour: int) -> str:
        return self.clock(dt.time(hour))

    def clock(self, time: dt.time) -> str:
        return str(format_time(time, "short", locale=self.locale))

    def moment(self, time: dt.datetime) -> str:
        return str(format_datetime(time, "medium", locale=self.locale))

    def days(self, count: int) -> str:
        return str(format_unit(count, "duration-day", locale=self.locale))

    def country(self, code: str) -> str:
        return str(self.locale.territories.get(code, code))


def prepare() -> None:
    """Read what Babel knows of the languages, before somebody waits for it."""
    today = dt.date.today()
    for language in LANGUAGES:
        Reader(Locale(language), language, _catalogue(language)).interval(today, today)


def reader() -> Reader:
    """The reader of the current request."""
    if "reader" not in g:
        locale = _wished()
        language = locale.language if locale.language in LANGUAGES else "en"
        g.reader = Reader(locale, language, _catalogue(language))
    found: Reader = g.reader
    return found


def install(app: Flask) -> None:
    """Let templates say _("…") and ngettext, and ask `reader` for numbers and dates."""
    app.jinja_env.add_extension("jinja2.ext.i18n")

    def several(one: str, many: str, n: int) -> str:
        return str(reader().texts.ngettext(one, many, n))

    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: reader().text(text), several, newstyle=True
    )
    app.context_processor(lambda: {"reader": reader(), "languages": LANGUAGES})
