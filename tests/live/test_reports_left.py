"""Reports of a process that was killed: the next one says that it is over; a start where nothing stands is silent."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.ids import partition_of
from streams.edge.cluster_reporter import ClusterReporter
from streams.edge.cluster_standing import ClusterStanding
from streams.edge.kafka import quiet
from streams.edge.log import LogFull
from streams.edge.sqlite_log import SqliteReader, SqliteWriter
from streams.edge.topics import prepare
from streams.effects import Decision, Effect
from streams.frames import InboxRecord, SystemReport, decode_inbox, decode_outbox, encode_inbox
from tests.live.box import Box
from tests.live.cluster_site import ClusterSite, patiently
from tests.live.kafka_gateways import PARTITIONS, Gateways
from tests.servers import Kafka
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

SYSTEM = partition_of("system", PARTITIONS)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def reports(records: list[InboxRecord]) -> list[tuple[str, bool]]:
    return [(r.part, r.well) for r in records if isinstance(r, SystemReport)]


def about(effects: list[Effect], part: str) -> list[str]:
    about = [e for e in effects if isinstance(e, Decision) and e.subject == f"system/{part}"]
    return [e.decision for e in about if e.decision in ("raised", "closed")]


# ── one box ──


def inbox_of(box: Box) -> list[InboxRecord]:
    reader = SqliteReader(box.data / "inbox.db", "inbox")
    found = [record for _, frame in reader.read(0, 0, 100_000) for record in decode_inbox(frame)]
    reader.close()
    return found


def outbox_of(box: Box) -> list[Effect]:
    reader = SqliteReader(box.data / "streams.db", "outbox")
    found = [effect for _, frame in reader.read(0, 0, 100_000) for effect in decode_outbox(frame)]
    reader.close()
    return found


def test_on_a_box_what_a_killed_process_reported_is_closed_by_the_next(tmp_path: Path) -> None:
    box = Box(tmp_path, "")
    try:
        box.start()
        box.wait_ready()
        time.sleep(3)
        assert reports(inbox_of(box)) == [], "a start where nothing is wrong"
        box.stop()
        # Words of processes that were killed before they could say more: the gateway's, the core's, the sink's.
        left = ["disk", "clock", "streams-disk", "sink"]
        writer = SqliteWriter(box.data / "inbox.db", "inbox")
        writer.append([(0, encode_inbox([SystemReport(now_ms(), part, False, "left behind")])) for part in left])
        writer.close()
        box.start()
        box.wait_ready()
        for part in left:
            wait_until(lambda part=part: about(outbox_of(box), part) == ["raised", "closed"], 120, part)
        box.kill_all()
        box.wait_ready()
        time.sleep(3)
        assert sorted(reports(inbox_of(box))) == sorted((part, well) for part in left for well in (False, True))
    finally:
        box.remove()


# ── a cluster ──


@pytest.fixture
def site(kafka: Kafka, tmp_path: Path) -> Iterator[ClusterSite]:
    quiet()
    site = ClusterSite(tmp_path, kafka.url, partitions=PARTITIONS, session_timeout_s=6)
    prepare(site.settings)
    yield site
    site.close()


def inbox_at(site: ClusterSite) -> list[InboxRecord]:
    return [record for _, frame in site.frames("inbox", SYSTEM) for record in decode_inbox(frame)]


def test_in_a_cluster_what_a_killed_worker_reported_is_closed_by_the_next(site: ClusterSite) -> None:
    site.put(SYSTEM, [SystemReport(now_ms(), "clock", False, "set back"), SystemReport(now_ms(), "sink", False, "x")])
    worker = site.worker("a")
    worker.start()
    wait_until(lambda: about(site.decided(SYSTEM), "clock") == ["raised", "closed"], 120, "the closing")
    assert about(site.decided(SYSTEM), "sink") == ["raised"], "that is not a worker's to say"
    worker.kill()
    worker.start()
    site.settled()
    time.sleep(4)
    assert reports(inbox_at(site)) == [("clock", False), ("sink", False), ("clock", True)]


def test_a_gateway_of_a_cluster_closes_what_one_of_its_name_reported(kafka: Kafka, tmp_path: Path) -> None:
    quiet()
    cluster = Gateways.on(tmp_path, kafka.url)
    prepare(cluster.settings)
    site = ClusterSite(tmp_path, kafka.url, partitions=PARTITIONS, topic_prefix=cluster.prefix)
    try:
        full = [SystemReport(now_ms(), f"disk-{name}", False, "full") for name in ("one", "two")]
        site.put(SYSTEM, full)
        site.worker("a").start()
        cluster.gateway("one").start()
        wait_until(lambda: about(site.decided(SYSTEM), "disk-one") == ["raised", "closed"], 120, "the closing")
        assert about(site.decided(SYSTEM), "disk-two") == ["raised"], "that is not this gateway's to say"
    finally:
        cluster.close()
        site.close()


def test_what_stands_is_read_on_from_where_it_was_read_to(site: ClusterSite) -> None:
    asked = ClusterStanding(site.settings)
    site.put(SYSTEM, [SystemReport(now_ms(), "other", False)])
    assert patiently(asked.stands, "other") is None, "no worker has taken it in"
    site.worker("a", standing=True).start()
    site.settled()
    assert (patiently(asked.stands, "other"), patiently(asked.stands, "another")) == (True, False)
    site.put(SYSTEM, [SystemReport(now_ms(), "other", True), SystemReport(now_ms(), "another", False)])
    wait_until(lambda: patiently(asked.stands, "another"), 60)
    assert patiently(asked.stands, "other") is False
    asked.close()


def test_what_is_wrong_does_not_wait_until_it_is_known_what_stands(
    site: ClusterSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.edge.cluster_standing._LOOKS", 10_000)
    site.put(SYSTEM, [SystemReport(now_ms(), "other", True)])  # which no worker takes in
    reporter = ClusterReporter(site.settings)
    reporter.say("clock", well=True)
    time.sleep(3)
    reporter.say("sink", well=False, detail="behind")
    wait_until(lambda: reporter.waiting() == 0, 60, "the report")
    reporter.close()
    assert reports(inbox_at(site)) == [("other", True), ("sink", False)]


def test_a_report_that_kafka_confirms_too_late_stands_there_once(
    site: ClusterSite, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter, tries = ClusterReporter(site.settings), 0
    append = reporter._writer.append

    def counted(frames: list[tuple[int, bytes]]) -> list[int]:
        nonlocal tries
        tries += 1
        return append(frames)

    monkeypatch.setattr(reporter._writer, "append", counted)
    reporter.say("clock", well=False, detail="set back")
    wait_until(lambda: reporter.waiting() == 0, 60, "a report, and a connection")
    patience_s, reporter._writer._wait_s, tries = reporter._writer._wait_s, 0.2, 0
    kafka.pause()
    try:
        reporter.say("sink", well=False, detail="behind")
        wait_until(lambda: tries >= 2, 60, "another try")
    finally:
        kafka.resume()
    reporter._writer._wait_s = patience_s
    wait_until(lambda: reporter.waiting() == 0, 60, "the report")
    reporter.close()
    assert reports(inbox_at(site)) == [("clock", False), ("sink", False)]


def test_a_look_that_is_broken_off_again_and_again_leaves_nothing_behind(site: ClusterSite) -> None:
    site.put(SYSTEM, *([SystemReport(n, f"part-{n}", False)] for n in range(100)))
    site.worker("a", standing=True).start()
    site.settled()
    left = 0

    def go_on() -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    asked = ClusterStanding(site.settings, go_on=go_on)
    for times in range(8):
        left = times
        asked._next = asked._taken_in = 0
        assert patiently(asked.stands, "part-1") in (None, True)
    left, asked._next = 1000, 0
    assert patiently(asked.stands, "part-1") is True
    asked.close()


def test_without_kafka_nothing_is_known(site: ClusterSite, kafka: Kafka) -> None:
    asked = ClusterStanding(site.settings)
    kafka.stop()
    try:
        with pytest.raises(LogFull):
            asked.stands("clock")
    finally:
        kafka.start()
        asked.close()
