"""The files a site copies: a broker that starts with them, a unit that names what is there."""

import re
from pathlib import Path

import pytest

from deploy.process import ENTRIES
from devices.edge.toml_lines import read_toml
from duty.edge.watchdog import settings_of

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_mosquitto_takes_every_line(make_mosquitto) -> None:
    """Its own listener, passwords and folder; every other line as it stands."""
    lines = (DEPLOY / "mosquitto/mosquitto.conf").read_text("utf-8").splitlines()
    ours = ("#", "listener", "allow_", "password_", "persistence", "autosave")
    kept = tuple(line for line in lines if line and not line.startswith(ours))
    assert len(kept) >= 6
    assert make_mosquitto(settings="durable", extra=kept).is_ready()


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda file: file.name)
def test_a_unit_calls_a_command_that_is_there(unit: Path) -> None:
    text = unit.read_text("utf-8")
    if unit.stem.endswith("@"):
        # One process of a machine, by the name it is started with: all that it names must be there.
        assert "\nExecStart=/opt/threshold/.venv/bin/python -m deploy.process %i --config " in text
        assert set(re.findall(rf"{unit.stem}(\w+)", text)) - {"service"} == set(ENTRIES)
        return
    command = re.search(r"^ExecStart=/opt/threshold/threshold (\w+) --config", text, re.MULTILINE)
    assert command is not None
    assert f"def {command[1]}(" in (DEPLOY / "cli.py").read_text("utf-8")


def test_the_watchdogs_file_says_what_happens_where_nothing_is_said() -> None:
    settings = settings_of(read_toml(DEPLOY / "watchdog.toml"))
    assert (settings.every_s, settings.dead_after_s) == (20, 180)
    assert [each.kind for each in settings.channels] == ["wecom"]
