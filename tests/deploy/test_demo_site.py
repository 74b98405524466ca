"""The files of a demonstration's site are sound."""

import json
from pathlib import Path

import msgspec
import pytest

from deploy.check import check
from deploy.demo_site import make
from deploy.live_compound import Life
from devices.edge import settings


@pytest.fixture
def made(tmp_path):
    wanted = {
        "folder": str(tmp_path), "households": 50, "seed": 7, "pace": 60.0, "hour": 17.0, "isolated_share": 0.3,
        "listen": "127.0.0.1:18831", "http": "127.0.0.1:18832", "desk": "127.0.0.1:18833", "record": True,
    }  # fmt: skip
    return tmp_path, make(wanted)


def test_the_site_passes_its_own_check(made):
    folder, _ = made
    found = check(folder / "threshold.toml", None, None)
    assert (found.complaints, found.notes) == ([], [])
    assert len(found.fleet.devices) == 51


def test_the_addresses_are_those_asked_for(made):
    folder, answer = made
    read = settings.load(folder / "threshold.toml")
    assert (read.gateway.listen, read.gateway.http, read.desk.listen) == (
        "127.0.0.1:18831", "127.0.0.1:18832", "127.0.0.1:18833",
    )  # fmt: skip
    assert json.loads(Path(answer["plan"]).read_text())["door"] == "127.0.0.1:18832"


def test_the_life_is_that_of_the_fleet(made):
    folder, answer = made
    life = msgspec.json.decode(Path(answer["life"]).read_bytes(), type=Life)
    assert (life.plan.households, life.mqtt, life.plan.bridges) == (50, ("127.0.0.1", 18831), False)
    assert life.acked == str(folder / "acked.bin")
