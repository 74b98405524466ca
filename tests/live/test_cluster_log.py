"""A cluster's own log tried and told again: the same answers as from a box's files, out of Kafka."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.replay import main
from devices.edge import settings
from devices.ids import partition_of
from streams.edge import topics
from streams.edge.kafka_log import open_writer
from streams.frames import encode_inbox, encode_outbox
from streams.trial import decode_report, total
from tests.servers import Kafka
from tests.streams.edge.boxes import expected
from tests.streams.test_incident_story import HOME, INCIDENT, RECORDS

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
PARTITIONS = 3


@pytest.fixture
def config(kafka: Kafka, tmp_path: Path) -> Path:
    """A site whose two topics hold the story of one incident."""
    file = tmp_path / "threshold.toml"
    file.write_text(
        f'[streams]\nruntime = "cluster"\npartitions = {PARTITIONS}\n'
        f'[cluster]\nkafka = "{kafka.url}"\ntopic_prefix = "review-{tmp_path.name}-"\n'
    )
    (tmp_path / "fleet.toml").write_text("")
    read = settings.load(file)
    topics.prepare(read)
    effects = expected(RECORDS)[0]
    for log, frames in (("inbox", [encode_inbox([r]) for r in RECORDS]), ("outbox", [encode_outbox(effects)])):
        writer = open_writer(read, log)
        writer.append([(partition_of(HOME.split("/")[0], PARTITIONS), frame) for frame in frames])
        writer.close()
    return file


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


def test_nothing_is_decided_by_the_policy_in_force_that_was_not(
    config: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert rows(capfdbinary, config=config, since="7d", against="current") == []
