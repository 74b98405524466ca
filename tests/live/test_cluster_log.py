"""A cluster's own log tried and told again: the same answers as from a box's files, out of Kafka."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.replay import main
from devices.edge import settings
from devices.ids import partition_of
from streams.edge import topics
from streams.edge.kafka_log import open_writer
from streams.frames import InboxRecord, encode_inbox, encode_outbox
from streams.grid import time_of
from streams.trial import decode_report, total
from tests.servers import Kafka
from tests.streams.edge.boxes import expected
from tests.streams.test_incident_story import HOME, INCIDENT, RECORDS

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
PARTITIONS = 3


@pytest.fixture(params=["long ago"])
def config(kafka: Kafka, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A site whose two topics hold the story of one incident, of long ago or of "today"."""
    records = RECORDS if request.param == "long ago" else of_today()
    file = tmp_path / "threshold.toml"
    file.write_text(
        f'[streams]\nruntime = "cluster"\npartitions = {PARTITIONS}\n'
        f'[cluster]\nkafka = "{kafka.url}"\ntopic_prefix = "review-{tmp_path.name}-"\n'
    )
    (tmp_path / "fleet.toml").write_text("")
    read = settings.load(file)
    topics.prepare(read)
    effects = expected(records)[0]
    for log, frames in (("inbox", [encode_inbox([r]) for r in records]), ("outbox", [encode_outbox(effects)])):
        writer = open_writer(read, log)
        writer.append([(partition_of(HOME.split("/")[0], PARTITIONS), frame) for frame in frames])
        writer.close()
    return file


def of_today() -> list[InboxRecord]:
    """The records as if the story ended now: a broker stamps what it takes in with its own time."""
    later_ms = int(time.time() * 1000) - max(map(time_of, RECORDS))

    def moved(record: InboxRecord) -> InboxRecord:
        raw = msgspec.structs.asdict(record)
        times = {name: value + later_ms for name, value in raw.items() if name.endswith("_ms") and value}
        return msgspec.structs.replace(record, **times)

    return [moved(record) for record in RECORDS]


def rows(capfdbinary: pytest.CaptureFixture[bytes], **options: Any) -> list[dict[str, Any]]:
    assert main(**options) == 0
    return [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]


def test_the_log_is_replayed_and_a_policy_tried_on_it(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    told = [(row["decision"], row.get("role")) for row in rows(capfdbinary, config=config, since="7d")
            if row.get("incident") == INCIDENT]  # fmt: skip
    assert told[:4] == [("raised", None), ("page", "worker"), ("page", "police"), ("page", "doctor")]
    policy, report = tmp_path / "alone.toml", tmp_path / "report.json"
    policy.write_text('[ladder.undeclared-opening]\npage = ["worker"]\nsteps = []\n')
    assert rows(capfdbinary, config=config, since="7d", policy=policy, against="current", report=report) == []
    counts = decode_report(report.read_bytes()).counts
    new, current = total(count for count in counts if count.decision == "page" and count.role == "police")
    assert new == 0 < current


@pytest.mark.parametrize("config", ["today"], indirect=True)
def test_an_incident_is_told_event_by_event_with_the_reason_at_each_step(
    config: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    told = rows(capfdbinary, config=config, incident=INCIDENT)
    decided = [(row["happened"], [each.get("decision", "noted") for each in row["decided"]]) for row in told]
    assert [each for each in decided if each[1]] == [
        ("command", ["noted"]),  # the case began
        ("event", ["raised", "page"]),
        ("time passed", ["page", "page", "noted"]),
        ("command", ["acknowledged"]),
        ("time passed", ["cleared"]),
        ("command", ["closed"]),
    ]
    assert ("receipt", []) in decided
    assert all(each["reason"] for row in told for each in row["decided"] if each.get("decision") != "closed")
    # The same out of Kafka as out of a box's files: `tests/deploy/test_incident_lines.py`.
    assert main(config=config, incident="g2/9/9/fever/1") != 0
    assert b"nothing was decided" in capfdbinary.readouterr().err


def test_nothing_is_decided_by_the_policy_in_force_that_was_not(
    config: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert rows(capfdbinary, config=config, since="7d", against="current") == []
