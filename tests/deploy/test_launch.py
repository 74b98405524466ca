"""How processes are started."""

import os
import subprocess
import sys
from pathlib import Path

from deploy.launch import environment, supervisor_argv


def test_children_find_the_packages_from_any_folder(tmp_path):
    script = "import deploy, devices; print(deploy.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(Path(environment()["PYTHONPATH"].split(os.pathsep)[0]) / "deploy" / "__init__.py")


def test_a_file_of_the_callers_folder_is_not_taken_for_a_module(tmp_path):
    (tmp_path / "deploy.py").write_text("raise SystemExit(7)")
    assert (
        subprocess.run([sys.executable, "-c", "import deploy"], cwd=tmp_path, env=environment(), check=False).returncode
        == 0
    )


def test_lines_of_a_child_come_out_when_they_are_written():
    assert environment()["PYTHONUNBUFFERED"] == "1"


def test_the_supervisor_starts_without_site_packages():
    argv = supervisor_argv(Path("/plan.json"))
    assert argv[1:3] == ["-I", "-S"]
    assert argv[3].endswith("deploy/supervisor.py")
    assert argv[4] == "/plan.json"
