"""What request targets say: page, query, campaign and kind."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.enrich import rulebook
from pipeline.enrich.urls import UTM_LENGTH, Paths, UrlFacts
from pipeline.schema import CLASSES
from tests.examples import drawn

CASES = tomllib.loads((Path(__file__).parent / "enrich" / "urls.toml").read_text("utf-8"))["url"]
RULES = rulebook.read("paths")
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


@pytest.fixture(scope="module")
def paths() -> Paths:
    return Paths()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["url"])
def test_a_target_is_taken_apart_and_its_kind_is_known(paths, case):
    expected = UrlFacts(
        case.get("host"),
        case.get("page", case["url"]),
        case.get("query"),
        case.get("kind"),
        *map(case.get, UTM),
    )
    assert paths.describe(case["url"]) == expected


def test_a_record_without_a_target_has_no_facts(paths):
    assert paths.describe(None) == UrlFacts(None, None, None, None)


def test_a_long_campaign_value_is_cut(paths):
    facts = paths.describe("/?utm_source=" + "%C3%A9" * 1000)
    assert facts.utm_source == "é" * UTM_LENGTH


@pytest.mark.parametrize(
    ("mime", "kind"),
    [
        ("text/html; charset=utf-8", "page"),
        ("TEXT/CSS", "asset"),
        ("image/webp", "asset"),
        ("application/rss+xml", "feed"),
        ("application/json", "api"),
        ("video/mp4", "download"),
        ("application/pdf", "download"),
        ("application/x-unheard-of", None),
        ("-", None),
        ("", None),
        (None, None),
    ],
)
def test_a_content_type_says_what_a_record_is(paths, mime, kind):
    assert paths.mime_kind(mime) == kind


def first_row(path: str) -> str | None:
    """The rules as their head describes them, row by row."""
    last = path.rpartition("/")[2].partition(";")[0]
    extension = last.rpartition(".")[2] if "." in last else ""
    for row in RULES["path"]:
        if (
            path in row.get("exact", ())
            or any(path.startswith(text) for text in row.get("prefixes", ()))
            or any(path.endswith(text) for text in row.get("suffixes", ()))
            or any(text in path for text in row.get("contains", ()))
            or any(re.search(text, path) for text in row.get("patterns", ()))
            or extension in row.get("extensions", ())
        ):
            return row["kind"]
    return None


def test_merging_the_rows_changes_no_answer(paths):
    samples = {"/", "/x"}
    for row in RULES["path"]:
        samples.update(row.get("exact", ()))
        samples.update(text + "x.css" for text in row.get("prefixes", ()))
        samples.update("/api" + text for text in row.get("suffixes", ()))
        samples.update(f"/feed/{text}/y.json" for text in row.get("contains", ()))
        samples.update(f"/a.zip/b.{text}" for text in row.get("extensions", ()))
    encoded = {text: text.replace("%", "%25") for text in samples}
    for plain, sent in encoded.items():
        assert paths.kind(sent) == first_row(plain), plain


def test_every_row_of_the_path_rules_gives_a_kind_and_its_reason():
    for row in (*RULES["path"], *RULES["mime"]):
        assert row["kind"] in CLASSES and row["reason"].strip(), row
    texts = [
        text
        for row in RULES["path"]
        for key in ("exact", "prefixes", "suffixes", "contains", "extensions")
        for text in row.get(key, ())
    ]
    assert [text for text in texts if text != text.lower()] == []
    assert all(row["kind"] != "page" for row in RULES["path"])


def described(paths, targets):
    columns = paths.describe_all(pl.Series(targets, dtype=pl.String))
    return [UrlFacts(*row) for row in zip(*columns, strict=True)]


def test_many_targets_at_once_get_the_same_facts_as_one_by_one(paths):
    odd = [
        "",
        "?",
        "/?",
        "/#x",
        "/A.CSS?v=1",
        "/x.css;v=2",
        "/.env?a",
        "/FEED",
        "/feed/?x=1",
        "/robots.txt?x",
        "//",
        "x",
        "*",
        "http://h/a.js",
        "/%2e%2e/",
        "/a\nb",
        "/é.PNG",
        "/?utm_source=a&utm_source=b",
        "/x?u=1.2.3.4",
        "/1.2.3.4/",
        "/sitemap_a.xml.gz?x#y",
    ]
    targets = [None, *odd, *(case["url"] for case in CASES)]
    assert described(paths, targets) == [paths.describe(target) for target in targets]


@drawn(40)
@given(st.lists(st.text("/.?#%aA2e:=&-_xcsg;", max_size=20), max_size=20))
def test_any_targets_at_once_get_the_same_facts_as_one_by_one(targets):
    paths = Paths()
    assert described(paths, targets) == [paths.describe(target) for target in targets]
