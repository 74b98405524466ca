"""Style and types, by the tools that judge them."""

import subprocess
import sys

import pytest

from tests.house.tree import ROOT


def judged_by(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_has_nothing_to_say():
    judged_by("ruff", "check", "--no-cache", "--output-format=concise", ".")


def test_every_file_is_formatted():
    judged_by("ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_types_hold():
    judged_by("pyright", "--pythonpath", sys.executable)
