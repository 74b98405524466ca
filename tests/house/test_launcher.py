"""./threshold itself, in a small project: from nothing, from elsewhere, and on machines that lack something."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.small_project import SmallProject, program
from tests.house.tree import ROOT

SCRIPTS = ("threshold", "deploy/lock.sh", "tests/servers/build-influxd.sh")
# What the launcher itself calls; a PATH of only these has no Python.
TOOLS = ("sh", "dirname", "readlink", "cmp", "id", "pwd", "printf")

WITHOUT_PIP = """\
case "$*" in
  *"-m pip"*|*ensurepip*) echo "No module named that" >&2; exit 1 ;;
esac
exec {python} "$@"
"""


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return SmallProject(tmp_path)


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A folder for PATH with the launcher's tools and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found:
            (folder / tool).symlink_to(found)
    return folder


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_are_sh(script):
    subprocess.run(["sh", "-n", str(ROOT / script)], check=True)


def test_the_ci_script_is_bash_and_only_calls_the_launcher():
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=True)
    assert "exec ./threshold test --live" in (ROOT / ".ci" / "run").read_text()


def test_the_first_start_installs_and_says_so_and_the_second_is_silent(project):
    first, second = project.start("version"), project.start("version")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "first start: installing 1 packages" in first.stderr
    assert second.stderr == ""
    assert "doorbell 1.0" in second.stdout


def test_it_starts_from_anywhere_through_a_link_and_leaves_the_directory_and_arguments_alone(project, tmp_path):
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (elsewhere / "doorbell.py").write_text("raise SystemExit('the wrong doorbell')")
    link = tmp_path / "link to threshold"
    link.symlink_to("project/threshold")
    command = [str(link), "replay", "my trace.jsonl", ""]
    done = subprocess.run(
        command, cwd=elsewhere, env=project.environment(), capture_output=True, text=True, check=True, timeout=280
    )
    assert f"directory {elsewhere}" in done.stdout
    assert "arguments ['replay', 'my trace.jsonl', '']" in done.stdout


def test_a_named_python_that_does_not_fit_is_refused(project, tmp_path):
    old = program(tmp_path / "python", "exit 1")
    done = project.start("version", THRESHOLD_PYTHON=str(old))
    assert done.returncode == 3
    assert f"THRESHOLD_PYTHON={old} is no Python 3.11 or newer" in done.stderr
    assert not project.venv.exists()


def test_without_any_python_it_says_what_to_install(project, bare_path):
    done = project.start("demo", PATH=str(bare_path), THRESHOLD_PYTHON="")
    assert done.returncode == 3
    assert "no Python 3.11 or newer found" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_without_pip_and_ensurepip_gets_the_one_line_to_run(project, bare_path, tmp_path):
    python = program(tmp_path / "python3", WITHOUT_PIP.format(python=sys.executable))
    done = project.start("demo", PATH=str(bare_path), THRESHOLD_PYTHON=str(python))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert done.returncode == 3
    assert f"    apt-get install python{version}-venv\n" in done.stderr
    assert "./threshold --install demo" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_without_pip_but_with_ensurepip_is_enough(project, tmp_path):
    only_pip_lacks = WITHOUT_PIP.replace("|*ensurepip*", "")
    python = program(tmp_path / "python3", only_pip_lacks.format(python=sys.executable))
    assert "doorbell 1.0" in project.start(THRESHOLD_PYTHON=str(python)).stdout


def test_with_install_root_has_debians_package_installed_and_others_are_told(project, tmp_path):
    """apt-get and the Python that lacks a part are stand-ins: the part is there once apt-get has been called for it."""
    installed = tmp_path / "installed"
    lacking = WITHOUT_PIP.replace("exit 1", f"[ -f {installed} ] || exit 1")
    python = program(tmp_path / "python3", lacking.format(python=sys.executable))
    program(tmp_path / "bin" / "apt-get", f'case "$*" in *python3.*-venv) touch {installed} ;; esac')
    path = f"{tmp_path}/bin:/usr/bin:/bin"
    done = project.start("--install", "demo", THRESHOLD_PYTHON=str(python), PATH=path)
    if os.geteuid() == 0:
        assert "doorbell 1.0" in done.stdout, done.stderr
        assert "arguments ['demo']" in done.stdout
    else:
        assert done.returncode == 3
        assert "apt-get install" in done.stderr


def test_a_python_without_pip_and_ensurepip_uses_uv_when_it_is_there(project, bare_path, tmp_path):
    python = program(tmp_path / "python3", WITHOUT_PIP.format(python=sys.executable))
    program(bare_path / "uv", f'echo "$@" > {tmp_path}/said; exit 1')
    done = project.start("demo", PATH=str(bare_path), THRESHOLD_PYTHON=str(python))
    said = (tmp_path / "said").read_text()
    assert said.startswith(f"pip install --python {project.venv}/bin/python --require-hashes -r ")
    assert done.returncode == 3


def test_a_wheel_that_is_not_the_locked_one_is_refused(project):
    project.lock("1.0", wrong_hash=True)
    done = project.start("version")
    assert done.returncode == 3
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert "The next start goes on" in done.stderr
    project.lock("1.0")
    assert "doorbell 1.0" in project.start("version").stdout
