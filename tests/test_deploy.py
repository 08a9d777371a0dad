"""What is shipped for running Tallylog as a service is taken by the programs it is for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.test_docs import parse

DEPLOY = Path(__file__).parents[1] / "deploy"
UNIT = (DEPLOY / "tallylog.service").read_text(encoding="utf-8")
PATH = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin"))


def program(name: str) -> str:
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not here")
    return found


def test_the_unit_starts_a_command_that_exists() -> None:
    line = re.search(r"^ExecStart=/opt/tallylog/bin/(tallylog .+)$", UNIT, re.MULTILINE)
    assert line
    parse(line[1])


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "tallylog.service"
    unit.write_text(re.sub("/opt/tallylog/bin/tallylog", "/bin/true", UNIT))
    command = (program("systemd-analyze"), "verify", unit)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_finds_the_unit_well_confined(tmp_path: Path) -> None:
    command = (program("systemd-analyze"), "security", "--offline=true", "--threshold=20")
    done = subprocess.run((*command, DEPLOY / "tallylog.service"), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("server", ["nginx", "apache2"])
def test_logrotate_understands_the_advice(server: str, tmp_path: Path) -> None:
    text = (DEPLOY / "logrotate" / server).read_text(encoding="utf-8")
    conf = tmp_path / server
    conf.write_text(re.sub(r"^/var/log/\S+", f"{tmp_path}/*.log", text, flags=re.MULTILINE))
    conf.chmod(0o644)
    command = (program("logrotate"), "--debug", "--state", tmp_path / "state", conf)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "error:" not in done.stderr
