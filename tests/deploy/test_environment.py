"""The making of the virtual environment: changed locks, interruptions, two at once, layers."""

import os
import shutil
import signal
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from deploy import environment
from tests.deploy.small_project import ROOT, SmallProject
from tests.waiting import wait_until


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return SmallProject(tmp_path)


def test_a_changed_lock_is_installed_at_the_next_start(project):
    assert "doorbell 1.0" in project.start().stdout
    project.lock("2.0")
    changed = project.start()
    assert "first start" not in changed.stderr
    assert "doorbell 2.0" in changed.stdout
    assert project.start().stderr == ""


def test_two_starts_at_once_install_once(project):
    both = [
        subprocess.Popen(
            [str(project.root / "threshold")],
            env=project.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=280) for process in both]
    assert all("doorbell 1.0" in stdout for stdout, _ in outputs), outputs
    assert sum("installing 1 packages" in stderr for _, stderr in outputs) == 1
    assert sum("another start is installing" in stderr for _, stderr in outputs) <= 1


def test_an_installation_killed_half_way_is_made_anew(project):
    """The stand-in for a slow installer is a find-links folder that is a pipe nobody writes to: pip waits in it."""
    slow = project.wheels.parent / "slow.html"
    os.mkfifo(slow)
    killed = subprocess.Popen(
        [str(project.root / "threshold")],
        env=project.environment(PIP_FIND_LINKS=str(slow)),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until((project.venv / "installing").exists)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    again = project.start()
    assert "is not whole; making it again" in again.stderr
    assert "doorbell 1.0" in again.stdout


def test_one_that_was_whole_is_mended_in_place_for_others_may_be_running_from_it(project):
    project.start()
    packages = next(project.venv.glob("lib/python3*/site-packages"))
    (packages / "doorbell-1.0.dist-info" / "RECORD").unlink()
    (packages / "doorbell.py").unlink()
    (project.venv / "installing").touch()
    (project.venv / "lock-run.txt").unlink()
    (packages / "kept").touch()
    assert "doorbell 1.0" in project.start().stdout
    assert (packages / "kept").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(project):
    project.start()
    (project.venv / "bin" / "python").unlink()
    again = project.start()
    assert "first start" in again.stderr
    assert "doorbell 1.0" in again.stdout


def test_a_folder_that_is_no_environment_is_never_deleted(project, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "photo").touch()
    done = project.start(THRESHOLD_VENV=str(precious))
    assert done.returncode == 3
    assert "is no virtual environment; move it away" in done.stderr
    assert (precious / "photo").exists()


def test_a_folder_that_cannot_be_written_is_named(project, tmp_path):
    (tmp_path / "file").touch()
    done = project.start(THRESHOLD_VENV=str(tmp_path / "file" / "venv"))
    assert done.returncode == 3
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_test_layer_holds_the_others(project):
    project.start("test")
    assert sorted(path.name for path in project.venv.glob("lock-*")) == [
        "lock-cluster.txt",
        "lock-run.txt",
        "lock-test.txt",
    ]
    assert project.start("version").stderr == ""


def test_pip_settings_that_would_lead_elsewhere_are_set_aside(project, tmp_path):
    done = project.start(PIP_TARGET=str(tmp_path / "elsewhere"), PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1")
    assert "doorbell 1.0" in done.stdout
    assert not (tmp_path / "elsewhere").exists()


def test_a_foreign_environment_is_told_what_it_lacks_and_not_changed(monkeypatch):
    monkeypatch.delenv("THRESHOLD_VENV", raising=False)
    monkeypatch.setattr(environment, "_is_there", lambda name, _version: name != "apsw")
    with pytest.raises(environment.Incomplete, match=r"this Python lacks apsw\.(.|\n)*requirements/run\.txt"):
        environment.ensure("run")


def test_the_layers_of_the_real_lock_hold_one_another_with_hashes_for_every_package():
    layers = {layer: dict(environment.locked(layer)) for layer in environment.LAYERS}
    assert layers["run"].items() <= layers["cluster"].items() <= layers["test"].items()
    for layer in environment.LAYERS:
        blocks = environment.lock_file(layer).read_text().split("\n")
        pinned = [number for number, line in enumerate(blocks) if "==" in line and not line.startswith(("#", " "))]
        assert all("--hash=sha256:" in blocks[number + 1] for number in pinned)


@pytest.mark.parametrize(
    ("package", "floor"),
    [("starlette", (1, 3, 1)), ("python-multipart", (0, 0, 27)), ("cryptography", (46, 0, 7)), ("apsw", (3, 51, 3))],
)
def test_the_lock_is_above_the_floors_where_published_faults_end(package, floor):
    locked = dict(environment.locked("run"))[package]
    assert tuple(int(part) for part in locked.split(".")[:3]) >= floor


def test_the_lock_is_what_pyproject_asks_for():
    asked = (ROOT / "pyproject.toml").read_text()
    locked = {name for name, _ in environment.locked("test")}
    assert all(name in locked for name in ("msgspec", "faust-streaming", "pytest"))
    assert "msgspec>=" in asked
    assert metadata.version("msgspec") == dict(environment.locked("test"))["msgspec"]


def test_removing_the_environment_is_all_it_takes_to_begin_again(project):
    project.start()
    shutil.rmtree(project.venv)
    assert "first start" in project.start().stderr
