"""What `pipeline` says of questions and refusals, in the reader's language.

It says it in English, with the values in their places. Here are the sentences that a reader of the
pages can meet, so that they stand in the catalogues; one that is not here is shown as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache

from flask import Flask

from webapp.languages import Reader, mark, reader

#: The more particular first: the first that fits is taken.
SENTENCES = (
    # Questions
    mark("There is no metric %(name)s."),
    mark("There is no dimension %(name)s."),
    mark("There is no comparison %(name)s."),
    mark("There is no range %(name)s."),
    mark("There is no site %(name)s."),
    mark("%(name)s names no property."),
    mark("%(text)s is not a filter."),
    mark("%(text)s is not a day."),
    mark("%(text)s is not a regular expression: %(reason)s."),
    mark("%(day)s is too far away."),
    mark("%(name)s is true or false, not %(value)s."),
    mark("%(name)s is a whole number, not %(value)s."),
    mark("%(name)s can't be compared with %(value)s."),
    mark("The range has no end, or ends before it begins."),
    mark("The range ends (%(last)s) before it begins (%(first)s)."),
    mark("That has no page of details."),
    mark(
        "%(metrics)s can't be counted by %(dimensions)s: they count records, bots and assets"
        " included, and only a visit has an entry and an exit."
    ),
    mark(
        "The raw events of all %(count)s days are gone,"
        " and what is kept of them cannot answer this."
    ),
    mark("%(count)s levels of filters are too many."),
    mark("%(count)s tests in filters are too many."),
    mark("%(count)s characters in a filter are too many."),
    mark("The answer took longer than %(count)s seconds."),
    mark("The answer needs more memory than a question may use."),
    mark("Too many questions are being answered at once."),
    mark("A link with a filter can't be asked by has_done."),
    mark("A link to events can't be asked for conversion_rate."),
    # How to ask instead
    mark("did you mean %(first)s or %(second)s or %(third)s?"),
    mark("did you mean %(first)s or %(second)s?"),
    mark("did you mean %(first)s?"),
    mark("there are: %(names)s"),
    mark("at most %(count)s are allowed"),
    mark("ask for fewer dimensions and filters at once"),
    mark("ask for fewer days, or with fewer dimensions and filters"),
    mark("ask for views, visitors or visits"),
    mark("ask for events"),
    mark("give both days"),
    mark("give it a text"),
    mark("leave it out"),
    mark("name a page or a content item"),
    mark("name a day from %(first)s to %(last)s"),
    mark("write it as 2026-11-21"),
    mark("write it as RE2 has them, without looking ahead or back"),
    mark("write dimension==value, != or ~"),
    mark("write dimension==value, !=value or ~pattern with * and ?"),
    mark("write prop:plan, without quotes"),
    # Warnings
    mark(
        "%(count)s of the days from %(first)s to %(last)s are not in this answer: their raw events"
        " are gone, and what is kept of them cannot answer this"
    ),
    mark("not known: %(names)s; of some days what is kept cannot tell"),
    mark(
        "%(day)s counts whole, though only some of its hours are asked for: its raw events are gone"
    ),
    # Settings and doors
    mark("There are no exclusions of %(kind)s."),
    mark("That would leave out everything."),
    mark("say more than *"),
    mark("%(text)s is not an address or network."),
    mark("write it as 192.0.2.0/24"),
    mark("A note has 1 to 200 characters."),
    mark("A key needs a site."),
    mark("name one, or * for all"),
    mark("A key needs a name of 1 to 100 characters."),
    mark("say what uses it"),
    mark("There is a key %(name)s already."),
    mark("revoke it first"),
    mark("There is no key %(name)s."),
    mark("`tallylog key list` shows all"),
    mark("There is no scope %(name)s."),
    mark("A link shares one site."),
    mark("name it"),
    mark("There is no link %(number)s."),
    mark("`tallylog share list` shows all"),
    mark("There is no role %(name)s."),
    mark("There is no user %(name)s."),
    mark("There is a user %(name)s already."),
    mark("`tallylog user list` shows all"),
    mark("%(name)s is no name of a user."),
    mark("use letters, digits and . @ + - _"),
    mark("%(text)s is no number of days."),
    mark("write a number from 1 to %(most)s, or nothing for a link without end"),
    mark("A password has %(least)s to %(most)s characters, not %(count)s."),
    mark("several words are easier to keep than signs"),
    mark("The link has been used or is too old."),
    mark("ask for a new one"),
    mark("Too many wrong passwords: try again in %(count)s minutes."),
    mark("This link has been used, or is too old. `tallylog user link` makes a new one."),
    mark("This link does not work, or not any more."),
    mark("This link shows a part of the site, and lines are counted for all of it."),
    # What a server says
    mark("Bad Request"),
    mark("Forbidden"),
    mark("Not Found"),
    mark("Unauthorized"),
    mark("Method Not Allowed"),
    mark("Request Entity Too Large"),
    mark("Too Many Requests"),
    mark("Internal Server Error"),
    mark("Service Unavailable"),
    mark("You may not see this."),
    mark("Sign in, or send a key that may read this."),
    mark("Too many are watching already."),
    mark(
        "The requested URL was not found on the server. If you entered the URL manually please"
        " check your spelling and try again."
    ),
    mark("The method is not allowed for the requested URL."),
    mark("The CSRF token has expired."),
    mark("The CSRF token is missing."),
    mark("The CSRF token is invalid."),
    mark("The CSRF session token is missing."),
    mark("The CSRF tokens do not match."),
)


def install(app: Flask) -> None:
    """Let templates say {{ text|told }}."""
    app.jinja_env.filters["told"] = lambda text: told(reader(), text)


def told(reader: Reader, text: str) -> str:
    """The sentence in the reader's language, or as it is where it is none of those above."""
    before, colon, rest = text.partition(COMPARED)
    if not before and colon:
        return reader.text(mark("compared: %(text)s"), text=told(reader, rest))
    if reader.language == "en":
        return text
    for sentence, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return reader.text(sentence, **found.groupdict())
    return text


#: What a warning begins with that is about the range that is compared with.
COMPARED = "compared: "


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(sentence, _pattern(sentence)) for sentence in SENTENCES]


def _pattern(sentence: str) -> re.Pattern[str]:
    """Fits the sentence with anything in its places."""
    pieces = re.split(r"%\((\w+)\)s", sentence)
    texts = [f"(?P<{p}>.+?)" if n % 2 else re.escape(p) for n, p in enumerate(pieces)]
    return re.compile("".join(texts), re.DOTALL)
