"""Every text of the pages is in the catalogues, translated, and these are compiled as they are."""

from __future__ import annotations

import io
import re
from gettext import GNUTranslations

import pytest
from babel.messages.pofile import read_po

from tools.texts import place, texts
from webapp.languages import LANGUAGES

TRANSLATED = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    known = read_po(io.BytesIO(place(language).read_bytes()), locale=language)
    for message in texts():
        if not message.id:
            continue
        found = known.get(message.id)
        assert found is not None and found.string, f"{message.id!r}: run `python -m tools.texts`"
        strings = found.string if isinstance(found.string, tuple) else (found.string,)
        wanted = message.id if isinstance(message.id, tuple) else (message.id,)
        for text, translated in zip(wanted[-1:], strings[-1:], strict=True):
            assert names(text) == names(translated), text


def names(text: str) -> list[str]:
    """What is put into a text."""
    return sorted(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_catalogue_is_that_of_the_texts(language: str) -> None:
    known = read_po(io.BytesIO(place(language).read_bytes()), locale=language)
    compiled = GNUTranslations(io.BytesIO(place(language).with_suffix(".mo").read_bytes()))
    for message in known:
        if isinstance(message.id, str) and message.id:
            assert compiled.gettext(message.id) == message.string
