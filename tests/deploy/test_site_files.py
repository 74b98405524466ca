"""The files a site copies: a broker that starts with them, a unit that names what is there."""

import re
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_mosquitto_takes_every_line(make_mosquitto) -> None:
    """Its own listener, passwords and folder; every other line as it stands."""
    lines = (DEPLOY / "mosquitto/mosquitto.conf").read_text("utf-8").splitlines()
    ours = ("#", "listener", "allow_", "password_", "persistence", "autosave")
    kept = tuple(line for line in lines if line and not line.startswith(ours))
    assert len(kept) >= 6
    assert make_mosquitto(settings="durable", extra=kept).is_ready()


def test_the_unit_calls_a_command_that_is_there() -> None:
    unit = (DEPLOY / "systemd/threshold.service").read_text("utf-8")
    command = re.search(r"^ExecStart=/opt/threshold/threshold (\w+) --config", unit, re.MULTILINE)
    assert command is not None
    assert f"def {command[1]}(" in (DEPLOY / "cli.py").read_text("utf-8")
