"""Sources found in the configurations of web servers: a case is a folder of tests/servers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from parsers.registry import load_formats
from pipeline.config import Site
from pipeline.config_file import parse
from pipeline.errors import TallylogError
from pipeline.servers_apache import read_apache
from pipeline.servers_blocks import Blocks, find_sources
from tallylog import main

HERE = Path(__file__).parent / "servers"
FORMATS = load_formats()
CONFS = {
    path.relative_to(HERE).parts[0]: path
    for name in ("nginx.conf", "apache2.conf", "httpd.conf")
    for path in HERE.rglob(name)
}


def found(path: Path, known: tuple[Site, ...] = ()) -> Blocks:
    return find_sources("nginx" if path.name == "nginx.conf" else "apache", path, FORMATS, known)


@pytest.mark.parametrize("case", sorted(CONFS))
def test_a_configuration_gives_its_sources_and_notes(case: str, accept: bool) -> None:
    sources = found(CONFS[case])
    notes = "".join(f"# note: {note}\n" for note in sources.notes)
    text = f"{sources.toml()}\n\n{notes}".replace(str(HERE / case), "/etc/here")
    golden = HERE / case / "golden.toml"
    if accept:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", sorted(CONFS))
def test_the_sources_are_a_configuration_of_ours(case: str) -> None:
    sources = found(CONFS[case])
    config = parse(sources.toml(), Path("config.toml"))
    assert [source.site for source in config.sources] == [block.site for block in sources.sources]


def test_a_site_that_is_configured_keeps_its_name_and_is_not_printed_again() -> None:
    sources = found(CONFS["nginx_site"], (Site(name="mine", hosts=("example.com",)),))
    assert (sources.sites, [block.site for block in sources.sources]) == ((), ["mine"])


#: File and text, what is wrong and in which line.
WRONG: dict[str, tuple[str, str, str]] = {
    "nginx.conf": ("http {\n\nserver {\n}\n", "this brace is not closed", "line 1"),
    "other/nginx.conf": ("http {\n}\n}\n", "this brace closes nothing", "line 3"),
    "quoted/nginx.conf": ("a b;\nlog_format x 'y;\n", "the quote ' is not closed", "line 2"),
    "apache2.conf": ("A b\n<IfModule x>\n", "<ifmodule> is not closed", "line 2"),
    "other/httpd.conf": ("<If x>\n</VirtualHost>\n", "</virtualhost> closes nothing", "line 2"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_configuration_that_cannot_be_read_is_refused_with_file_and_line(
    case: str, tmp_path: Path
) -> None:
    text, what, line = WRONG[case]
    (tmp_path / case).parent.mkdir(exist_ok=True)
    (tmp_path / case).write_text(text)
    with pytest.raises(TallylogError, match=what) as error:
        found(tmp_path / case)
    assert str(error.value).count(f"{tmp_path / case}") == 1 and line in str(error.value)


@pytest.mark.parametrize("name", ["nginx.conf", "apache2.conf"])
def test_a_configuration_that_is_missing_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(TallylogError, match="No such file") as error:
        found(tmp_path / name)
    assert error.value.where == str(tmp_path / name)


@pytest.mark.parametrize("name", ["nginx.conf", "apache2.conf"])
def test_a_file_that_includes_itself_is_read_once(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("include *.conf" + ";" * (name == "nginx.conf"))
    assert found(tmp_path / name).notes == (
        f"{tmp_path / name}, line 1: {tmp_path / name} includes itself",
    )


def test_a_log_that_no_virtual_host_of_apache_writes_is_noted(tmp_path: Path) -> None:
    conf = tmp_path / "apache2.conf"
    main, own = "CustomLog /a.log common\n", "<VirtualHost *>\nTransferLog /b.log\n</VirtualHost>\n"
    other = "<VirtualHost *>\n</VirtualHost>\n"
    common = 'LogFormat "%h %l %u %t \\"%r\\" %>s %b" common\n'
    for text, paths, notes in (
        (main + own, ["/b.log"], 1),
        (main + own + other, ["/b.log", "/a.log"], 0),
        (main, ["/a.log"], 0),
    ):
        conf.write_text(common + text)
        found = read_apache(conf)
        assert ([log.path for log in found.logs], len(found.notes)) == (paths, notes)


def test_the_command_prints_sources_on_stdout_and_notes_on_stderr() -> None:
    path = str(CONFS["nginx"])
    text = CliRunner().invoke(main, ["formats", "--from-nginx", path])
    golden = (HERE / "nginx" / "golden.toml").read_text(encoding="utf-8")
    assert (
        text.stdout.replace(str(HERE / "nginx"), "/etc/here")
        == golden.split("\n\n# note")[0] + "\n"
    )
    assert text.stderr.count("note: ") == golden.count("# note: ") > 0
    answer = CliRunner().invoke(main, ["formats", "--from-nginx", path, "--json"])
    assert json.loads(answer.stdout) == found(CONFS["nginx"]).as_dict()
