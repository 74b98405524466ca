"""How `./threshold test` calls pytest, and what the suite says of tests that a machine cannot run."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.testing import pytest_arguments
from tests.deploy.small_project import ROOT

COMMON = ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
SPREAD = ["-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder"]


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ([], ["-m", "not bench", *SPREAD]),
        (["--live"], ["-m", "not bench", *SPREAD]),
        (["-m", "bench"], SPREAD),
        (["-n", "0"], ["-m", "not bench"]),
        (["--pdb"], ["-m", "not bench"]),
    ],
)
def test_what_is_added_to_the_callers_arguments(given, added):
    assert pytest_arguments(given) == [*COMMON, *added, *given]


def test_a_path_of_the_callers_directory_is_made_absolute(tmp_path, monkeypatch):
    (tmp_path / "test_door.py").touch()
    monkeypatch.chdir(tmp_path)
    assert pytest_arguments(["test_door.py::test_opens", "-k", "door"])[-3:] == [
        f"{tmp_path}/test_door.py::test_opens",
        "-k",
        "door",
    ]


SUITE = """\
import pytest
from tests.servers import Missing

def test_runs(): pass

@pytest.mark.live
def test_of_a_server(): raise Missing("teleprinter")
"""


def small_suite(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run a suite of two tests with the project's own conftest; its exit code and lines."""
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "test_small.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), "-c", "/dev/null"]
    done = subprocess.run(
        [*command, "-o", f"pythonpath={ROOT}", "-o", "markers=live", *arguments, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        cwd=folder,
    )
    return done.returncode, done.stdout.rstrip().splitlines()


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_lacks_its_server_is_left_out_and_named_before_the_last_line(tmp_path, workers):
    code, lines = small_suite(tmp_path, "-n", workers, "--dist", "loadgroup")
    assert code == 0
    assert "1 passed, 1 skipped" in lines[-1]
    assert lines[-3:-1] == ["needs teleprinter:", "  test_small.py::test_of_a_server"]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_with_live_what_is_left_out_is_a_failure(tmp_path, workers):
    code, lines = small_suite(tmp_path, "--live", "-n", workers, "--dist", "loadgroup")
    assert code == 1
    assert "1 failed, 1 passed" in lines[-1]
    assert any("left out under --live: needs teleprinter" in line for line in lines)
