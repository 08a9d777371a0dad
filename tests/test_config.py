"""The configuration: what is accepted, what it means, and how a mistake is explained."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from pipeline.config import Config, Exclude, Retention, Site, Store, Web
from pipeline.config_file import keys, load, parse, table_model
from pipeline.errors import ConfigError

SHIPPED = Path(__file__).parent.parent / "config.toml"


def uncommented() -> str:
    """The shipped file with every setting in force that it shows as a comment."""
    return re.sub(r"^# (?=\[|[a-z_]+ = )", "", SHIPPED.read_text(), flags=re.MULTILINE)


def paths_of_keys(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found = set()
    for key, field in keys(model).items():
        found.add((*prefix, key))
        if inner := table_model(field):
            found |= paths_of_keys(inner, (*prefix, key))
    return found


def paths_in(table: dict[str, Any], prefix: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found = set()
    for key, value in table.items():
        found.add((*prefix, key))
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                found |= paths_in(inner, (*prefix, key))
    return found


def test_the_shipped_file_reads_the_bundled_log() -> None:
    config = load(SHIPPED)
    assert [Path(path).is_file() for source in config.sources for path in source.paths] == [True]


def test_every_key_stands_in_the_shipped_file() -> None:
    assert paths_of_keys(Config) <= paths_in(tomllib.loads(uncommented()))


def test_the_shipped_file_shows_the_defaults() -> None:
    config = parse(uncommented(), Path("config.toml"))
    assert config.store.retention == Retention()
    assert (config.web, config.exclude) == (Web(), Exclude())
    assert config.store.model_copy(update={"country_mmdb": None}) == Store()


def test_without_a_file_everything_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load() == Config()
    assert load().store.data == Path("data")


def test_a_file_in_the_working_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("[web]\nport = 9000\n")
    monkeypatch.chdir(tmp_path)
    assert load().web.port == 9000


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    text = '[[site]]\nname = "a"\n[[source]]\nsite = "a"\npaths = ["logs/*.gz", "/var/x", "-"]\n'
    config = parse(text, tmp_path / "config.toml")
    assert config.sources[0].paths == (str(tmp_path / "logs/*.gz"), "/var/x", "-")
    assert config.store.data == tmp_path / "data"


def test_the_command_line_overrides_the_folder_of_the_store(tmp_path: Path) -> None:
    assert load(SHIPPED, tmp_path).store.data == tmp_path


def test_a_site_that_is_not_configured_has_zone_utc() -> None:
    assert Config().site_named("new.example") == Site(name="new.example", timezone="UTC")


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(ValidationError):
        Config().store = Store()  # type: ignore[misc]


GOOD_SITE = '[[site]]\nname = "a"\n'
MISTAKES = {
    "unknown key": ("[web]\nprot = 1\n", ["unknown key 'prot'", "line 2", "mean 'port'?"]),
    "unknown table": ("\n[wep]\nport = 1\n", ["unknown key 'wep'", "line 2", "mean 'web'?"]),
    "key of a later table": (
        f'{GOOD_SITE}[[site]]\nname = "b"\nhots = []\n',
        ["unknown key 'hots'", "line 5", "mean 'hosts'?"],
    ),
    "key of a table in an array": (
        f'{GOOD_SITE}[[source]]\nsite = "a"\npaths = ["x"]\n[source.exclude]\npats = []\n',
        ["unknown key 'pats'", "line 7", "mean 'paths'?"],
    ),
    "missing key": ('[[site]]\nhosts = ["a"]\n', ["the key 'name' is missing", "line 1"]),
    "wrong type": ('[web]\nport = "many"\n', ["web.port", "integer", "line 2"]),
    "unknown zone": (
        '[[site]]\nname = "a"\ntimezone = "Europe/Pari"\n',
        ["no time zone is named 'Europe/Pari'", "line 3", "mean 'Europe/Paris'?"],
    ),
    "zone that is a folder": ('[[site]]\nname = "a"\ntimezone = "Europe"\n', ["'Europe'"]),
    "site name with a slash": ('[[site]]\nname = "a/b"\n', ["'a/b' is not a site name"]),
    "host with a scheme": (f'{GOOD_SITE}hosts = ["https://a"]\n', ["is not a host name"]),
    "network that is none": (
        '[exclude]\naddresses = ["10.0.0"]\n',
        ["exclude.addresses", "10.0.0"],
    ),
    "cubes for ever": ("[store.retention]\ncubes = 0\n", ["store.retention.cubes", "not for ever"]),
    "port out of range": ("[web]\nport = 70000\n", ["web.port", "65535"]),
    "format of a wrong type": (
        f'{GOOD_SITE}[[source]]\nsite = "a"\npaths = ["x"]\nformat = 3\n',
        ["source.format", "line 6"],
    ),
    "source of no site": ('[[source]]\npaths = ["x"]\n', ["needs a site or by_host", "line 1"]),
    "source of an unknown site": (
        '[[site]]\nname = "blog"\n[[source]]\nsite = "blgo"\npaths = ["x"]\n',
        ["no [[site]] is named 'blgo'", "line 4", "mean 'blog'?"],
    ),
    "site twice": (GOOD_SITE * 2, ["stands here twice", "line 4"]),
    "host of two sites": (
        '[[site]]\nname = "a"\nhosts = ["h"]\n[[site]]\nname = "b"\nhosts = ["H"]\n',
        ["'h' belongs to the site 'a'", "line 6"],
    ),
    "format of an unknown name": (
        f'{GOOD_SITE}[[source]]\nsite = "a"\npaths = ["x"]\nformat = "docker/combned"\n',
        ["there is no format 'docker/combned'", "line 6", "did you mean 'combined'?"],
    ),
    "format of one's own with an unknown key": (
        '[format.mine]\ntitel = "x"\n',
        ["format mine: unknown key 'titel'", "line 1", "docs/formats-custom.md"],
    ),
    "directive in a source with a slip in it": (
        f'{GOOD_SITE}[[source]]\nsite = "a"\npaths = ["x"]\nformat = {{ nginx = \'$staus\' }}\n',
        ["format of the source: nginx: no time in the format; add $time_local", "line 6"],
    ),
    "format in a source without a layout": (
        f'{GOOD_SITE}[[source]]\nsite = "a"\npaths = ["x"]\nformat = {{ dialect = "text" }}\n',
        ["layout", "line 6"],
    ),
    "not TOML": ("[web]\nport = = 1\n", ["not valid TOML", "line 2", "config.toml"]),
}


@pytest.mark.parametrize("text, says", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_explained(text: str, says: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, Path("config.toml"))
    assert len(caught.value.problems) == 1
    assert [part for part in says if part not in str(caught.value)] == []


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = "[web]\nprot = 1\nport = 0\n[store]\nkeep = 1\n[store.retention]\nraw = -1\n"
    with pytest.raises(ConfigError) as caught:
        parse(text, Path("config.toml"))
    where = [problem.where for problem in caught.value.problems]
    assert where == [f"config.toml, line {line}" for line in (2, 3, 5, 7)]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't read the configuration"):
        load(tmp_path / "none.toml")
