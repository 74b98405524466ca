"""The compound as a process: what it counts.  (That it lives against a real gateway: tests/deploy/test_demo.py.)"""

import pytest

from deploy import live_compound
from deploy.live_compound import Life, Page, percentiles, read_acked
from deploy.mqtt_links import Acked
from devices.simulator import Asked, Plan, Said

ROWS = [Acked("door-1", "t", b"\x00open", 7, 1.5, 2.5), Acked("门", "t/2", b"", 65_535, 3.0, 4.0)]


@pytest.fixture
def compound(tmp_path):
    life = Life(
        plan=Plan(households=30, seed=3),
        mqtt=("127.0.0.1", 1),
        stats=str(tmp_path / "s.json"),
        acked=str(tmp_path / "a"),
    )
    return live_compound.Compound(life)


def test_what_was_acknowledged_is_read_back_up_to_where_a_kill_cut_it(compound, tmp_path):
    for row in ROWS:
        compound._acked(row)
    compound._write_stats("running")
    assert read_acked(tmp_path / "a") == ROWS
    whole = (tmp_path / "a").read_bytes()
    for cut in range(1, len(whole)):
        (tmp_path / "cut").write_bytes(whole[:-cut])
        assert read_acked(tmp_path / "cut") in ([], ROWS[:1])


@pytest.mark.parametrize(
    ("values", "p50", "p99", "most"),
    [([], None, None, None), ([5.0], 5.0, 5.0, 5.0), ([float(n) for n in range(101)], 50.0, 99.0, 100.0)],
)
def test_percentiles(values, p50, p99, most):
    found = percentiles(values)
    assert (found["p50"], found["p99"], found["most"]) == (p50, p99, most)
    assert found["count"] == len(values)


def page(raised, received):
    return Page("p", "k", "worker", 0, raised, Page.Event("d", received))


def test_only_a_page_raised_by_the_message_itself_tells_how_long_it_took():
    at = "2020-02-16T09:30:00.000+08:00"
    assert live_compound._at_once(page(at, "2020-02-16T09:29:59.900+08:00"))
    assert not live_compound._at_once(page(at, "2020-02-16T09:25:00.000+08:00"))
    assert not live_compound._at_once(page(at, None))


def test_a_page_heard_twice_counts_once(compound):
    payload = b'{"page":"x#0.worker.1","kind":"k","role":"worker","step":0,"raised_at":"","event":{"device":""}}'
    compound._heard("siren", "t", payload)
    compound._heard("siren", "t", payload)
    stats = compound.stats("running")
    assert (stats["pages"], stats["pages_by_role"], stats["pages_heard_twice"]) == (1, {"worker": 1}, 1)


def test_a_page_that_is_none_ends_it(compound):
    with pytest.raises(SystemExit, match="that is none"):
        compound._heard("siren", "t", b"{}")


def test_directly_every_device_has_its_own_connection_through_a_broker_a_few_speak_for_all(compound, tmp_path):
    assert compound._link("door-1").client == "door-1"
    assert compound._link("door-1").password == compound.simulator.compound.secret("door-1")
    through = live_compound.Compound(
        Life(plan=Plan(households=30), mqtt=("127.0.0.1", 1), stats=str(tmp_path / "t.json"), through_broker=True)
    )
    clients = {through._link(f"door-{n}").client for n in range(100)}
    assert len(clients) == 4


def test_what_a_bridge_kept_is_marked_only_where_a_broker_keeps_it(compound):
    compound._live(Said(1, "door-1", "t", b"x", retained=True))
    [waiting] = compound._link("door-1").waiting.values()
    assert waiting.packet[0] & 1 == 0


def test_without_a_door_commands_are_counted_and_not_said(compound):
    compound._live(Asked(1, {"command": "tick"}))
    assert compound.stats("running")["commands"] == 1
