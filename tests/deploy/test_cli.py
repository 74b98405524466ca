"""The commands: thin doors, each to a function that exists and takes what it is handed."""

import ast
import importlib
import inspect
import resource
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from deploy import __version__, cli
from tests.deploy.small_project import ROOT

COMMANDS = (
    "demo", "up", "gateway", "streams", "desk", "sink", "replay", "record", "check", "test", "simulate", "sniff",
    "migrate", "backup", "watchdog", "fleet", "push", "version",
)  # fmt: skip


def hand_overs() -> list[tuple[str, set[str]]]:
    """(entry, keywords) of every `hand_over(...)` in deploy/cli.py."""
    tree = ast.parse((ROOT / "deploy" / "cli.py").read_text())
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "hand_over"
    ]
    return [(call.args[0].value, {keyword.arg for keyword in call.keywords}) for call in calls]


def test_every_command_is_there_and_says_what_it_does():
    shown = CliRunner().invoke(cli.app, ["--help"])
    assert shown.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in shown.output


def test_every_command_but_version_hands_over():
    assert len(hand_overs()) == len(COMMANDS) + 2  # fleet has four, version none


@pytest.mark.parametrize(("entry", "keywords"), hand_overs())
def test_what_a_command_hands_over_to_exists_and_takes_its_options(entry, keywords):
    module, function = entry.split(":")
    signature = inspect.signature(getattr(importlib.import_module(module), function))
    signature.bind(**dict.fromkeys(keywords))


def test_version_names_what_it_runs_on():
    shown = CliRunner().invoke(cli.app, ["version"])
    assert shown.output.startswith(f"threshold {__version__}\nPython {sys.version.split()[0]}\nSQLite 3.")


def test_importing_the_commands_imports_nothing_behind_them():
    script = "import sys, deploy.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    behind = {"gateway", "streams", "duty", "devices", "apsw", "fastapi", "sqlalchemy", "paho", "asyncio", "faust"}
    assert loaded & behind == set()


def test_version_answers_at_once():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "deploy.cli", "version"], cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of its own work: how long it waits for a busy machine says nothing of it.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5


def test_the_exit_code_is_the_answer_of_the_function(monkeypatch):
    monkeypatch.setattr("deploy.testing.main", lambda arguments: 5 if arguments == ["--live", "-k", "door"] else 0)
    runner = CliRunner()
    assert runner.invoke(cli.app, ["test", "--live", "-k", "door"]).exit_code == 5
    assert runner.invoke(cli.app, ["test"]).exit_code == 0


def test_help_of_test_is_that_of_pytest(monkeypatch):
    given = []
    monkeypatch.setattr("deploy.testing.main", lambda *, arguments: given.extend(arguments))
    CliRunner().invoke(cli.app, ["test", "--help"])
    assert given == ["--help"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say one of --id, --bridge and --platform"),
        (["--id", "a", "--bridge", "b"], "say one of"),
        (["--bridge", "b"], "a bridge needs --grid and --topic"),
    ],
)
def test_fleet_add_says_what_it_misses(tmp_path, options, said):
    shown = CliRunner().invoke(cli.app, ["fleet", "add", "--fleet", str(tmp_path / "f.toml"), *options])
    assert shown.exit_code == 2
    assert said in " ".join(shown.output.split())


def test_fleet_add_hands_a_bridge_and_a_platform_to_their_own(tmp_path):
    file = tmp_path / "f.toml"
    bridge = ["--bridge", "z2m-17", "--grid", "g017", "--topic", "zigbee2mqtt/bridge/state", "--devices", "zigbee/"]
    for options in (bridge, ["--platform", "ttn-1", "--kind", "ttn"]):
        assert CliRunner().invoke(cli.app, ["fleet", "add", "--fleet", str(file), *options]).exit_code == 0
    text = file.read_text()
    assert ("[[bridge]]" in text, "[[platform]]" in text, text.count("secret_sha256")) == (True, True, 2)
