"""The tracker script and its snippet, without a browser: what is served, and how."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from pipeline.config import Config
from tallylog import main
from webapp import create_app
from webapp.script import PATHS, script
from webapp.snippet import snippet

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "script" / "t.js"
MADE = ROOT / "script" / "made.sha256"
ADDRESS = "https://stats.example.org/"


@pytest.fixture
def client() -> FlaskClient:
    return create_app(Config()).test_client()


def test_the_script_is_smaller_than_two_kilobytes() -> None:
    assert len(gzip.compress(script().plain, 9)) < 2048


def test_the_served_script_was_made_of_the_source_that_is_here() -> None:
    for line in MADE.read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest, "run `make script`"


def test_the_script_needs_nothing_that_a_strict_policy_forbids() -> None:
    text = script().plain.decode()
    assert not re.findall(r"\beval\b|new Function|innerHTML|document\.write|\.style\b", text)


def test_the_script_keeps_nothing_but_the_opt_out() -> None:
    text = script().plain.decode()
    assert not re.findall(r"cookie|sessionStorage|indexedDB|caches", text)
    assert set(re.findall(r"localStorage(\W\w+)", text)) == {"[" + constant("OPT_OUT", text)}


def constant(name: str, text: str) -> str:
    """How the served script calls a constant of the source."""
    value = re.search(rf'const {name} = ("[^"]+")', SOURCE.read_text())
    assert value
    found = re.search(rf"(\w+)={value[1]}", text)
    assert found
    return found[1]


def test_files_that_count_as_downloads_are_downloads_in_logs_too() -> None:
    rules = tomllib.loads((ROOT / "pipeline/enrich/rules/paths.toml").read_text())
    known = [rule for rule in rules["path"] if rule["kind"] == "download"]
    endings = {ending for rule in known for ending in rule.get("extensions", ())}
    said = re.search(r'const DOWNLOADS = "([^"]+)"', SOURCE.read_text())
    assert said and set(said[1].split(",")) <= endings


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_script_is_well_formed() -> None:
    for path in (SOURCE, ROOT / "webapp" / "static" / "t.js"):
        done = subprocess.run(["node", "--check", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", PATHS)
def test_any_page_may_load_the_script_and_keep_it(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "max-age=3600" in answer.headers["Cache-Control"]
    assert answer.data == script().plain


def test_the_script_goes_compressed_to_those_who_can_read_it(client: FlaskClient) -> None:
    answer = client.get("/t.js", headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.data) == script().plain


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_browser_that_has_the_script_is_sent_no_other(client: FlaskClient, encoding: str) -> None:
    asked = {"Accept-Encoding": encoding}
    tag = client.get("/t.js", headers=asked).headers["ETag"]
    again = client.get("/t.js", headers=asked | {"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    assert client.get("/t.js", headers=asked | {"If-None-Match": '"old"'}).status_code == 200


def test_the_snippet_loads_the_script_or_the_pixel() -> None:
    assert snippet("example.org", ADDRESS) == (
        '<script defer src="https://stats.example.org/t.js" data-site="example.org"></script>\n'
        '<noscript><img src="https://stats.example.org/pixel.gif?site=example.org" alt=""'
        ' width="1" height="1" referrerpolicy="no-referrer-when-downgrade"></noscript>\n'
    )


def test_the_snippet_may_pin_the_script_that_is_served(client: FlaskClient) -> None:
    digest = base64.b64encode(hashlib.sha384(client.get("/t.js").data).digest()).decode()
    pinned = f' integrity="sha384-{digest}" crossorigin="anonymous">'
    assert pinned in snippet("example.org", ADDRESS, integrity=True)


def test_the_docs_name_the_version_and_the_hash_of_the_script() -> None:
    page = (ROOT / "docs" / "tracking.md").read_text()
    assert f"Version {script().version}:" in page
    assert script().integrity in page


def test_nothing_in_a_name_gets_out_of_the_snippet() -> None:
    written = snippet('a"><b>&c', "https://x/?a=1&b=")
    assert (
        '<script defer src="https://x/?a=1&amp;b=t.js" data-site="a&quot;&gt;&lt;b&gt;&amp;c"'
        in written
    )
    assert "site=a%22%3E%3Cb%3E%26c" in written


@pytest.mark.parametrize(
    ("web", "address"),
    [
        ('url = "https://stats.example.org"', "https://stats.example.org/"),
        ('url = "https://example.org/stats/"', "https://example.org/stats/"),
        ("port = 9000", "http://127.0.0.1:9000/"),
        ('host = "::1"', "http://[::1]:8710/"),
    ],
)
def test_the_command_prints_the_snippet_with_the_configured_address(
    tmp_path: Path, web: str, address: str
) -> None:
    (tmp_path / "config.toml").write_text(f"[web]\n{web}\n")
    asked = ["--config", str(tmp_path / "config.toml"), "snippet", "--site", "s"]
    assert CliRunner().invoke(main, asked).stdout == snippet("s", address)
    assert CliRunner().invoke(main, [*asked, "--integrity"]).stdout == snippet("s", address, True)


def test_the_command_notes_what_the_configuration_lacks(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    asked = ["--config", str(config), "snippet", "--site", "s"]
    config.write_text("")
    notes = CliRunner().invoke(main, asked).stderr
    assert "set url in [web]" in notes
    assert "there is no [[site]] named s yet" in notes
    config.write_text('[[site]]\nname = "s"\n[web]\nurl = "https://stats.example.org"\n')
    assert CliRunner().invoke(main, asked).stderr == ""


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[web]\nurl = "stats.example.org"\n')
    asked = ["--config", str(tmp_path / "config.toml"), "snippet", "--site", "s"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 1
    assert "is not a web address such as" in done.output
