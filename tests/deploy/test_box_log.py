"""A box's own log, replayed."""

import json

import pytest

from deploy import box_log
from deploy.box_log import WARM_UP_MS, BoxLog, ago_ms, opener
from deploy.replay import main
from devices.edge import settings
from devices.edge.fleet_file import load
from devices.events import Message
from devices.formats import table
from devices.ids import partition_of
from gateway.fleet_records import fleet_records
from gateway.intake import Intake
from streams.edge.policy_file import default_path
from streams.edge.sqlite_log import SqliteWriter
from streams.frames import decode_inbox, encode_inbox
from streams.grid import time_of

MINUTE_MS = 60_000
DAY_MS = 86_400_000
NINE_MS = 1_581_814_800_000  # 2020-02-16T09:00:00+08:00
FLEET = """
[[device]]
id = "d-{grid}"
format = "zigbee2mqtt"
topic = "zigbee2mqtt/d-{grid}"
household = "{grid}/3/1203"
[[case]]
household = "{grid}/3/1203"
from = "2020-02-01T00:00:00+08:00"
until = "2020-03-24T00:00:00+08:00"
"""
GRIDS = ("g017", "g018", "g019")


@pytest.fixture
def box(tmp_path):
    """A box whose log holds one opening a day at nine, for each of three grids, for five days."""
    (tmp_path / "fleet.toml").write_text("".join(FLEET.format(grid=grid) for grid in GRIDS))
    config = tmp_path / "threshold.toml"
    config.write_text("[streams]\npartitions = 2\n")
    (tmp_path / "data").mkdir()
    fleet = load(tmp_path / "fleet.toml")
    intake = Intake(fleet, table())
    writer = SqliteWriter(tmp_path / "data" / "inbox.db", "inbox")

    def write(records):
        for record in records:
            writer.append([(partition_of(record.grid, 2), encode_inbox([record]))])

    write(fleet_records(fleet, table(), NINE_MS - 60 * MINUTE_MS))
    for day in range(5):
        for minute, contact in ((0, b"true"), (1, b"false"), (2, b"true"), (30, b"true")):
            for grid in GRIDS:
                at_ms = NINE_MS + day * DAY_MS + minute * MINUTE_MS
                write(intake.take(Message(f"zigbee2mqtt/d-{grid}", b'{"contact":%b}' % contact, at_ms)).events)
    writer.close()
    return config


def decisions(capfdbinary, config, **options):
    assert main(config=config, **options) == 0
    out, err = capfdbinary.readouterr()
    assert err == b""
    return [json.loads(line) for line in out.splitlines()]


def test_only_what_was_decided_since_then_in_order_of_time(box, capfdbinary):
    rows = decisions(capfdbinary, box, since="26h")
    raised = [(row["t"], row["subject"]) for row in rows if row["decision"] in ("raised", "repeated")]
    openings = [(t, s) for t, s in raised if t.endswith("09:01:00+08:00")]
    assert sorted(openings) == [
        (f"2020-02-{day}T09:01:00+08:00", f"{grid}/3/1203") for day in (19, 20) for grid in GRIDS
    ]
    times = [row["t"] for row in rows]
    assert times == sorted(times)


def test_the_whole_log_decides_as_the_core_did(box, capfdbinary):
    rows = decisions(capfdbinary, box, since="30d")
    assert sum(row["decision"] == "raised" and row["kind"] == "undeclared-opening" for row in rows) == 3
    assert sum(row["decision"] == "repeated" and row["kind"] == "undeclared-opening" for row in rows) == 12


def test_two_policies_over_the_last_days(box, tmp_path, capfdbinary):
    policy = tmp_path / "alone.toml"
    policy.write_text('[ladder.undeclared-opening]\npage = ["worker"]\nsteps = []\n')
    assert main(config=box, since="26h", policy=None, against=str(policy), summary=True) == 0
    out = capfdbinary.readouterr().out.decode()
    assert " → 0" in out


def log_of(box):
    return BoxLog(opener(settings.load(box), "inbox"), 2)


def test_records_come_in_the_order_of_their_partition(box):
    log = log_of(box)
    newest = 0
    for partition in range(2):
        offsets, times = [], []
        for offset, records in log.frames(partition, 0):
            offsets.append(offset)
            times += [time_of(record) for record in records]
        assert times and times == sorted(times)
        assert offsets[-1] == log.ends()[partition]
        newest = max(newest, times[-1])
    assert log.newest_ms() == newest
    assert log.unreadable == 0


def test_events_from_before_the_warm_up_are_left_out_and_the_fleet_is_not(box):
    since_ms = NINE_MS + 4 * DAY_MS
    kinds = {
        type(record).__name__
        for partition in range(2)
        for _, records in log_of(box).frames(partition, since_ms)
        for record in records
        if time_of(record) < since_ms - WARM_UP_MS
    }
    assert kinds == {"DeviceRow", "Command"}


def test_of_frames_from_before_the_warm_up_events_are_not_decoded_and_nothing_else_is_missing(box, monkeypatch):
    since_ms = NINE_MS + 4 * DAY_MS

    def told():
        log = log_of(box)
        return [[(offset, records) for offset, records in log.frames(p, since_ms)] for p in range(2)]

    passed: list[bytes] = []
    beside = box_log.decode_beside_events
    monkeypatch.setattr(box_log, "decode_beside_events", lambda frame: passed.append(frame) or beside(frame))
    whole = told()
    assert passed == [], "all of it was written this minute"
    # As if every frame had been written when what it holds came in.
    writer = SqliteWriter(box.parent / "data" / "inbox.db", "inbox")
    rows = writer.query("SELECT offset, frame FROM inbox ORDER BY offset")
    times = [time_of(decode_inbox(frame)[0]) for _, frame in rows]
    writer.append([], [("UPDATE inbox SET at_ms = ? WHERE offset = ?",
                        [(at_ms, offset) for at_ms, (offset, _) in zip(times, rows, strict=True)])])  # fmt: skip
    assert told() == whole
    assert len(rows) / 3 < len(passed) < len(rows) and any(records for _, records in whole[0])
    assert all(time_of(decode_inbox(frame)[0]) < since_ms - WARM_UP_MS for frame in passed)
    writer.close()


def test_a_frame_that_cannot_be_read_is_passed_over_and_told(box, capfdbinary):
    writer = SqliteWriter(box.parent / "data" / "inbox.db", "inbox")
    writer.append([(0, b"no frame")])
    writer.close()
    assert main(config=box, since="26h", summary=True) == 0
    assert b"1 frames of the log cannot be read" in capfdbinary.readouterr().err


def test_the_policy_in_force_is_the_sites_own(box, tmp_path, capfdbinary):
    (tmp_path / "alone.toml").write_text('[ladder.undeclared-opening]\npage = ["worker"]\nsteps = []\n')
    box.write_text('[site]\npolicy = "alone.toml"\n[streams]\npartitions = 2\n')
    pages = [row["role"] for row in decisions(capfdbinary, box, since="26h") if row["decision"] == "page"]
    assert "worker" in pages and "police" not in pages
    assert decisions(capfdbinary, box, since="26h", against="current") == []
    rows = decisions(capfdbinary, box, since="26h", policy=default_path(), against="current")
    assert {(row["only"], row["role"]) for row in rows if row["decision"] == "page"} >= {("policy", "police")}


def test_until_another_day(box, capfdbinary):
    rows = decisions(capfdbinary, box, since="1h", until="2020-02-18T09:30:00+08:00")
    assert {row["t"][:10] for row in rows} == {"2020-02-18"}


def test_a_box_without_a_log(tmp_path, capfdbinary):
    (tmp_path / "fleet.toml").write_text("")
    (tmp_path / "threshold.toml").write_text("")
    assert decisions(capfdbinary, tmp_path / "threshold.toml", since="7d") == []


@pytest.mark.parametrize(
    ("text", "ago"), [("7d", 7 * DAY_MS), ("12h", DAY_MS // 2), ("1.5m", 90_000), ("1w", 7 * DAY_MS)]
)
def test_spans_of_time(text, ago):
    assert ago_ms(text, DAY_MS * 100) == DAY_MS * 100 - ago


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 years", "1e3d"])
def test_no_span_of_time(text, box, capfdbinary):
    with pytest.raises(ValueError, match="no span of time"):
        ago_ms(text, 0)
    assert main(config=box, since=text) == 1
    assert b"--since" in capfdbinary.readouterr().err
