"""Importing a module defines things; it opens, starts and connects nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, modules


def watched(root: Path, names: list[str]) -> str:
    """What our modules under `root` did while they were imported."""
    command = [sys.executable, str(ROOT / "tests/house/import_watch.py"), f"{root}/", *names]
    # pydantic looks for plugins among the installed packages when the first model is defined: its deed, not ours.
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{ROOT}", "PYDANTIC_DISABLE_PLUGINS": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_importing_any_module_does_nothing():
    # A migration is run by Alembic in its own way, never imported.
    names = [dotted(path) for path in modules(*PACKAGES) if "migrations" not in path.parts]
    assert watched(ROOT, names) == ""
    assert len(names) > 50


@pytest.mark.parametrize(
    "planted",
    [
        "open('/dev/null')",
        "from pathlib import Path\nPath('/dev/null').read_text()",
        "import socket\nsocket.create_server(('127.0.0.1', 0))",
        "import subprocess\nsubprocess.run(['true'])",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1,), daemon=True).start()",
        "import os\nos.listdir('/')",
        "class C:\n    words = open('/dev/null').read()",
    ],
)
def test_a_planted_deed_at_import_is_caught(tmp_path, planted):
    (tmp_path / "planted.py").write_text(planted)
    assert watched(tmp_path, ["planted"]) != ""


def test_definitions_and_the_imports_of_libraries_are_let_through(tmp_path):
    (tmp_path / "fine.py").write_text("import fastapi, sqlalchemy, zoneinfo\nZONE = zoneinfo.ZoneInfo('Asia/Shanghai')")
    assert watched(tmp_path, ["fine"]) == ""
