"""An incident told event by event, out of a box's logs."""

import json

import apsw
import pytest

from deploy.incident_lines import moment_rows
from deploy.replay import main
from devices.edge import settings
from tests.streams.edge.boxes import Box, in_frames
from tests.streams.test_incident_story import INCIDENT, OPENED_MS, RECORDS


@pytest.fixture
def config(tmp_path):
    (tmp_path / "data").mkdir()
    box = Box(tmp_path / "data")
    box.put(*in_frames(RECORDS, 3))
    box.take_in()
    box.close()
    # Written when it happened.
    for file, log in (("inbox.db", "inbox"), ("streams.db", "outbox")):
        with apsw.Connection(str(tmp_path / "data" / file)) as written:
            written.execute(f"UPDATE {log} SET at_ms = ?", (OPENED_MS,))
    (tmp_path / "fleet.toml").write_text("")
    (tmp_path / "threshold.toml").write_text("")
    return tmp_path / "threshold.toml"


def test_every_step_with_what_happened_and_the_reason(config):
    rows = moment_rows(settings.load(config), INCIDENT)
    decided = [(row["happened"], [each.get("decision", "noted") for each in row["decided"]]) for row in rows]
    assert ("event", ["raised", "page"]) in decided
    assert ("time passed", ["page", "page", "noted"]) in decided
    assert decided[-1] == ("command", ["closed"])
    opened = next(row for row in rows if [each.get("decision") for each in row["decided"]] == ["raised", "page"])
    assert opened["said"]["open"] is True and "grid" in opened["said"] and "celsius" not in opened["said"]
    assert all(each["reason"] for row in rows for each in row["decided"] if each.get("decision") != "closed")


def test_the_command_prints_it_a_line_a_moment(config, capfdbinary):
    assert main(config=config, incident=INCIDENT) == 0
    out, err = capfdbinary.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows == moment_rows(settings.load(config), INCIDENT) and err == b""


@pytest.mark.parametrize(("options", "what"), [({"incident": "g2/1/1/fever/7"}, b"nothing was decided"),
                                               ({"incident": INCIDENT, "config": None}, b"--config")])  # fmt: skip
def test_an_incident_that_is_not_there(config, capfdbinary, options, what):
    assert main(**{"config": config, **options}) == 1
    assert what in capfdbinary.readouterr().err
