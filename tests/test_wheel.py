"""An installed wheel works outside the checkout, without any configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    """What a command prints; pip's and Python's own settings of this machine stay in force."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that has the wheel, and borrows the libraries of this
    one: so the test needs no network."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    run(
        *(sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install"),
        *("--no-deps", "--no-index", "--quiet", wheel),
    )
    python = venv / "bin" / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(site, "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return venv / "bin"


def test_the_wheel_holds_every_file_the_program_reads_and_no_other(wheel: Path) -> None:
    held = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    rooms = [
        p
        for room in ("commands", "parsers", "pipeline", "webapp")
        for p in (ROOT / room).rglob("*.*")
    ]
    wanted = {str(p.relative_to(ROOT)) for p in rooms if "__pycache__" not in p.parts}
    assert held == wanted | {"tallylog.py"}


def test_an_installed_wheel_counts_a_log(installed: Path, sample_log: Path, tmp_path: Path) -> None:
    tallylog = installed / "tallylog"
    where = run(
        installed / "python", "-c", "import pipeline; print(pipeline.__file__)", cwd=tmp_path
    )
    assert where.startswith(str(installed.parent))
    words = ("backfill", "--site", "example.org", "--json", sample_log)
    summary = json.loads(run(tallylog, *words, cwd=tmp_path))
    assert (summary["records"], summary["rejected"]) == (10_000, 0)
    query = (tallylog, "query", "--site", "example.org", "--metrics", "hits", "--json")
    assert json.loads(run(*query, cwd=tmp_path))["results"][0]["metrics"] == [10_000]
    assert "combined" in run(tallylog, "formats", cwd=tmp_path)
    assert run(tallylog, "report", cwd=tmp_path)
    assert (tmp_path / "data").is_dir()
