"""What config.toml settles about records: whose they are, which are left out, what is kept."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.backfill import backfill
from pipeline.catalog import Catalog
from pipeline.config_file import load
from pipeline.errors import SourceError

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def line(host: str, client: str = "192.0.2.1", path: str = "/", agent: str = AGENT) -> str:
    return (
        f'{host} {client} - - [17/May/2015:23:05:03 +0000] "GET {path} HTTP/1.1" 200 100 "-" '
        f'"{agent}"\n'
    )


def read(tmp_path: Path, config: str, *lines: str):
    (tmp_path / "access.log").write_text("".join(lines))
    (tmp_path / "config.toml").write_text(config)
    settings = load(tmp_path / "config.toml")
    return backfill(settings, settings.store.data).as_dict()


def events(tmp_path: Path) -> pa.Table:
    parts = Catalog(tmp_path / "data").event_parts()
    return pa.concat_tables([pq.ParquetFile(part.path).read() for part in parts])


BY_HOST = """
[[site]]
name = "one.example"
hosts = ["one.example", "www.one.example"]
[[site]]
name = "two.example"
hosts = ["two.example"]
timezone = "Europe/Paris"
[[source]]
by_host = true
paths = ["access.log"]
format = "vhost_combined"
"""


def test_the_host_of_a_record_chooses_its_site_and_with_it_the_day(tmp_path):
    found = read(
        tmp_path,
        BY_HOST,
        line("one.example:80"),
        line("www.one.example:80"),
        line("two.example:443"),
        line("three.example:80"),
    )
    assert (found["classes"], found["excluded"]) == ({"page": 3}, 1)
    days = Catalog(tmp_path / "data").days()
    assert [(day.site, day.date.day) for day in days] == [("one.example", 17), ("two.example", 18)]
    assert read(tmp_path, BY_HOST, line("one.example:80"))["known"] == 1


ONE = """
[[site]]
name = "one.example"
[[source]]
site = "one.example"
paths = ["access.log"]
format = "vhost_combined"
"""


def test_excluded_paths_agents_and_addresses_are_counted_apart(tmp_path):
    rules = '[exclude]\npaths = ["/admin/*"]\naddresses = ["198.51.100.0/24", "2001:db8::/32"]\n'
    found = read(
        tmp_path,
        ONE + '[source.exclude]\nagents = ["*MyMonitor*"]\n' + rules,
        line("h"),
        line("h", path="/admin/users"),
        line("h", client="198.51.100.77"),
        line("h", client="2001:db8::7"),
        line("h", agent="MyMonitor/1.0"),
        line("h", path="/administrators"),
    )
    assert (found["records"], found["excluded"], found["classes"]) == (6, 4, {"page": 2})


def test_agents_can_be_kept_as_hashes_alone(tmp_path):
    read(tmp_path, ONE + '[store]\nkeep_agent = "hash"\n', line("h"))
    (row,) = events(tmp_path).to_pylist()
    assert "agent" not in row and row["agent_hash"] and row["browser"] == "Firefox"


def test_a_format_of_ones_own_reads_its_log(tmp_path):
    own = ONE.replace('"vhost_combined"', '"mine"') + (
        "[format.mine]\n"
        'title = "Mine"\ndialect = "text"\ntime = ["iso8601"]\n'
        "layout = '$time|$client|$method $url|$status'\n"
    )
    found = read(tmp_path, own, "2015-05-17T10:00:00Z|192.0.2.1|GET /a|200\n", "nonsense\n")
    assert (found["classes"], found["rejected"]) == ({"page": 1}, 1)


def test_with_several_sites_the_one_that_is_meant_has_to_be_named(tmp_path):
    (tmp_path / "config.toml").write_text(BY_HOST)
    settings = load(tmp_path / "config.toml")
    with pytest.raises(SourceError, match=r"one\.example"):
        backfill(settings, settings.store.data, [str(tmp_path / "config.toml")])


BEHIND_A_PROXY = """
[[site]]
name = "s"
[[source]]
site = "s"
paths = ["access.log"]
format = "nginx_main"
trusted_proxies = ["private"]
[source.exclude]
addresses = ["198.51.100.0/24"]
"""


def test_behind_trusted_proxies_visitors_countries_and_exclusions_are_those_of_the_client(tmp_path):
    headers = ("193.0.0.1", "9.9.9.9, 193.0.0.1", "200.160.0.8", "193.0.0.1, 198.51.100.7")
    ends = [f'"{header}"\n' for header in headers]
    lines = [line("", "10.0.0.1").strip() + " " + end for end in ends]
    assert read(tmp_path, BEHIND_A_PROXY, *lines)["excluded"] == 1
    found = events(tmp_path)
    assert found["country"].to_pylist() == ["NL", "NL", "BR"]
    first, second, third = found["visitor"].to_pylist()
    assert first == second != third


def test_what_parts_of_a_cdn_ask_each_other_is_excluded(tmp_path):
    config = BEHIND_A_PROXY.replace("nginx_main", "cloudflare")
    common = '"EdgeStartTimestamp":1767225600,"EdgeResponseStatus":200,"ClientRequestMethod":"GET"'
    lines = [
        f'{{{common},"ClientRequestURI":"/a","WorkerSubrequest":false}}\n',
        f'{{{common},"ClientRequestURI":"/b","WorkerSubrequest":true}}\n',
        f'{{{common},"ClientRequestURI":"/c"}}\n',
    ]
    found = read(tmp_path, config, *lines)
    assert (found["records"], found["excluded"]) == (3, 1)
    assert events(tmp_path)["page"].to_pylist() == ["/a", "/c"]
