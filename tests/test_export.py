"""Data out: the same rows in every format, nothing a spreadsheet would run, memory that stays."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from pipeline import export, extract, progress, query, question
from pipeline.catalog import Catalog
from pipeline.errors import QueryError
from tallylog import main
from tests.events import DAY, add, event

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1")
NEXT = DAY.replace(day=2)
ROWS = [
    event("09:00:00", '/a,"b"', 2**63 + 1, country="FR", agent="line\nend"),
    *(event(f"09:00:{n:02}", text, n + 1) for n, text in enumerate(FORMULAS, 1)),
    event("09:00:00", "/next", 1, date=NEXT),
    event("09:00:00", "/other", 1, site="t"),
]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    found = Catalog(tmp_path_factory.mktemp("export"))
    add(found, ROWS)
    return found


def events(catalog: Catalog, site: str | None = "s") -> export.Rows:
    parts = extract.event_parts(catalog, site, None, None)
    return extract.events(parts, progress.Silent())


def written(rows: export.Rows, form: str) -> bytes:
    file = io.BytesIO()
    export.format_named(form).write(rows, file)
    return file.getvalue()


def run(catalog: Catalog, *words: str) -> Result:
    return CliRunner().invoke(main, ["--data", str(catalog.data_dir), *words])


def test_raw_events_are_written_in_the_order_of_their_days(catalog) -> None:
    rows = list(csv.DictReader(io.StringIO(written(events(catalog), "csv").decode())))
    assert list(rows[0]) == extract.PLAIN.names
    assert [row["date"] for row in rows] == [DAY.isoformat()] * 8 + [NEXT.isoformat()]
    assert rows[0]["page"] == '/a,"b"' and rows[0]["agent"] == "line\nend"
    assert rows[0]["visitor"] == str(2**63 + 1)


def test_a_spreadsheet_finds_no_formula_in_a_csv(catalog) -> None:
    rows = csv.DictReader(io.StringIO(written(events(catalog), "csv").decode(), newline=""))
    pages = [row["page"] for row in rows]
    assert pages[1:8] == [f"'{text}" for text in FORMULAS]


def test_numbers_below_zero_stay_numbers(catalog) -> None:
    batch = pa.record_batch({"change": pa.array([-0.5, None]), "text": pa.array(["-x", None])})
    assert (
        written(export.Rows(batch.schema, [batch]), "csv") == b'"change","text"\n-0.5,"\'-x"\n,\n'
    )


def test_a_spreadsheet_finds_no_formula_in_an_xlsx_and_every_row(catalog) -> None:
    with zipfile.ZipFile(io.BytesIO(written(events(catalog), "xlsx"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and sheet.count("<row ") == 10
    assert str(2**63 + 1) in sheet and "=1+1" in sheet


def test_a_sheet_that_is_full_is_followed_by_another(catalog, monkeypatch) -> None:
    monkeypatch.setattr(export, "SHEET_ROWS", 4)
    with zipfile.ZipFile(io.BytesIO(written(events(catalog), "xlsx"))) as book:
        sheets = [book.read(n).decode() for n in book.namelist() if n.startswith("xl/worksheets/")]
    assert [sheet.count("<row ") for sheet in sheets] == [5, 5, 2]


def test_json_and_parquet_hold_the_same_rows(catalog) -> None:
    table = pq.read_table(io.BytesIO(written(events(catalog), "parquet")))
    assert table.schema.names == extract.PLAIN.names
    rows = json.loads(written(events(catalog), "json"))
    assert [row["page"] for row in rows] == table.column("page").to_pylist()
    assert rows[0]["visitor"] == str(table.column("visitor")[0]) == str(2**63 + 1)


@pytest.mark.parametrize("form", export.FORMATS)
def test_nothing_is_written_as_an_empty_file_of_its_kind(catalog, form: str) -> None:
    nothing = extract.events([], progress.Silent())
    data = written(nothing, form)
    if form == "json":
        assert json.loads(data) == []
    if form == "parquet":
        assert pq.read_table(io.BytesIO(data)).num_rows == 0
    if form == "csv":
        assert data.count(b"\n") == 1


def test_an_answer_is_written_with_what_it_is_compared_with(catalog) -> None:
    asked = {"site": "s", "metrics": ["views"], "dimensions": ["country"], "compare": "previous"}
    days = {"from": NEXT.isoformat(), "to": NEXT.isoformat()}
    answer = query.answer(catalog, question.from_dict({**asked, **days}))
    told = written(extract.answer(answer), "csv").decode()
    assert told.splitlines()[0] == '"country","views","views_before","views_change"'
    assert '"FR",0,1,-1' in told


def test_an_answer_without_rows_has_its_columns(catalog) -> None:
    asked = {"site": "s", "dimensions": ["page", "hour"], "filters": ["page==/none"]}
    answer = query.answer(catalog, question.from_dict(asked))
    assert written(extract.answer(answer), "csv") == b'"page","hour","views","visitors","visits"\n'


@pytest.mark.parametrize("form", export.FORMATS)
def test_the_command_writes_what_its_file_is_called(catalog, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"out.{form}"
    assert run(catalog, "export", "events", "--site", "s", str(path)).exit_code == 0
    assert path.read_bytes()[:4] == written(events(catalog), form)[:4]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_command_writes_to_standard_output(catalog) -> None:
    done = run(catalog, "export", "query", "--site", "t", "--by", "page", "-")
    assert done.stdout == '"page","views","visitors","visits"\n"/other",1,1,1\n'


def test_a_format_that_is_not_there_is_named_with_those_that_are(catalog, tmp_path: Path) -> None:
    done = run(catalog, "export", "events", str(tmp_path / "out.xls"))
    assert done.exit_code == 1 and "csv, json, xlsx, parquet" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_site_that_is_not_there_is_refused(catalog) -> None:
    with pytest.raises(QueryError, match="no site 'x'"):
        events(catalog, "x")


def test_the_report_is_one_page_that_loads_nothing(catalog, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert run(catalog, "report", "--site", "s", "--html", str(path)).exit_code == 0
    page = path.read_text("utf-8")
    assert not re.search(r"<script|<link|\bsrc=|url\(|@import", page)
    assert "&#34;b&#34;" in page and "=1+1" in page
    assert "prefers-color-scheme: dark" in page and "@media print" in page
    assert page.count("<rect") >= 2 + 8


def test_the_report_of_an_empty_store_says_so(tmp_path: Path) -> None:
    empty = Catalog(tmp_path / "data")
    assert run(empty, "report", "--html", str(tmp_path / "out.html")).exit_code == 0
    assert "Nothing was counted." in (tmp_path / "out.html").read_text("utf-8")
