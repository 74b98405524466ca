"""`./threshold up` on deploy/cluster.example.toml: the simulated compound through mosquitto, Kafka and Faust into
InfluxDB, with the desk on PostgreSQL; Kafka stops for some seconds in mid-stream."""

import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from deploy.demo_desk import fill
from deploy.launch import environment
from deploy.live_compound import Life, read_acked
from deploy.prove import Proof, prove_logs
from deploy.supervisor import die_with_parent
from devices.edge import fleet_file, settings
from devices.edge.settings import Settings, split_address
from devices.fleet_text import fleet_text
from devices.simulator import Compound, Plan
from duty.edge.demo_people import PASSWORD
from duty.edge.desk.site_health import ClusterHealth
from streams.edge import policy_file
from streams.edge.cluster_status import ClusterStatus
from streams.edge.influx import InfluxReader, connect
from streams.edge.kafka_log import open_reader
from streams.edge.log import LogFull
from streams.effects import Decision
from streams.frames import decode_outbox
from tests.servers import Influxd, Kafka, Mosquitto, Postgresql, free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parents[2] / "deploy" / "cluster.example.toml"


def test_the_example_names_every_key_and_is_a_whole(tmp_path: Path):
    """A key that is left out has the default that the file says it has."""
    text = EXAMPLE.read_text("utf-8")
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "cluster.toml").write_text(text)
    read = settings.load(tmp_path / "deploy" / "cluster.toml")
    assert read.fleet_path.resolve() == tmp_path / "cluster-site" / "fleet.toml"
    written = tomllib.loads(text)
    for name, table in (("", settings.Settings()), ("gateway.broker", settings.Broker(host="h"))):
        check_table(written, name, table)


def check_table(written: dict[str, Any], name: str, table: msgspec.Struct) -> None:
    """Every key of the table is written, and of the tables in it."""
    here = written
    for part in filter(None, name.split(".")):
        here = here[part]
    for field in msgspec.structs.fields(table):
        inner = getattr(table, field.name)
        if isinstance(inner, msgspec.Struct):
            check_table(written, f"{name}.{field.name}".strip("."), inner)
        else:
            assert field.name in here or (name, field.name) in {("", "file"), ("gateway", "broker")}, (name, field.name)


@pytest.fixture
def site(
    tmp_path: Path, kafka: Kafka, influxd: Influxd, postgresql: Postgresql, mosquitto: Mosquitto
) -> Iterator[Settings]:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "cluster-site").mkdir()
    (tmp_path / "cluster-site" / "influx.token").write_text(influxd.token)
    name = f"up{time.time_ns()}"
    text = EXAMPLE.read_text("utf-8")
    for before, after in {
        'listen = "127.0.0.1:18831"': f'listen = "127.0.0.1:{free_port()}"',
        'http = "127.0.0.1:18830"': f'http = "127.0.0.1:{free_port()}"',
        "port = 1883 ": f"port = {mosquitto.port} ",
        "port = 1883\n": f"port = {mosquitto.port}\n",
        'kafka = "127.0.0.1:9092"': f'kafka = "{kafka.url}"',
        'topic_prefix = "threshold-"': f'topic_prefix = "{name}-"',
        "http://127.0.0.1:8086": influxd.url,
        'bucket = "threshold"': f'bucket = "{name}"',
        'listen = "127.0.0.1:8080"': f'listen = "127.0.0.1:{free_port()}"',
        "postgresql://threshold@127.0.0.1:5432/threshold": postgresql.make_database(name),
    }.items():
        text = text.replace(before, after)
    config = tmp_path / "deploy" / "cluster.toml"
    config.write_text(text)
    yield settings.load(config)
    kafka.start()


def start(argv: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment(),
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - at this moment the test has one thread
        )


def test_the_compound_lives_on_a_cluster_and_kafka_may_stop_for_a_while(site: Settings, kafka: Kafka, tmp_path: Path):
    plan = Plan(households=160, seed=7, begins_ms=int(time.time() * 1000), hour=17, pace=240.0, isolated_share=0.6)
    site.fleet_path.write_text("".join(fleet_text(Compound(plan).fleet())), encoding="utf-8")
    fill(site, tmp_path / "logins.json")
    assert site.gateway.broker is not None
    life = tmp_path / "life.json"
    life.write_bytes(
        msgspec.json.encode(
            Life(
                plan=plan,
                mqtt=(site.gateway.broker.host, site.gateway.broker.port),
                stats=str(tmp_path / "compound.json"),
                through_broker=True,
                door=site.gateway.http,
                token_file=str(site.data_path / "door.token"),
                acked=str(tmp_path / "acked.bin"),
            )
        )
    )
    log = tmp_path / "log.txt"
    up = start([sys.executable, "-m", "deploy.cli", "up", "--config", site.file], log)
    compound = None
    status = ClusterStatus(site)
    try:
        wait_until(lambda: "ready after" in log.read_text(), 120, f"the site\n{log.read_text()[-2000:]}")
        wait_until(lambda: "this gateway publishes the pages" in log.read_text(), 60, "the pages' way out")
        compound = start([sys.executable, "-m", "deploy.live_compound", str(life)], tmp_path / "compound.txt")
        time.sleep(10)
        kafka.stop()
        time.sleep(6)
        kafka.start()
        time.sleep(12)

        def stats() -> dict[str, Any]:
            return msgspec.json.decode((tmp_path / "compound.json").read_bytes())

        wait_until(lambda: stats()["acknowledged"] > 500, 60, "enough of its life")
        compound.send_signal(signal.SIGTERM)
        compound.wait(90)
        assert stats()["sent"] == stats()["acknowledged"] > 500

        def settled() -> bool:
            """What the broker has acknowledged is in Kafka, and decided on."""
            try:
                standing = status.look()
                ends = {p: end for p, end in standing.ends["inbox"].items() if end}
                taken = all(p in standing.marks and standing.marks[p].offset >= end for p, end in ends.items())
                return taken and not proved(site, tmp_path).lost
            except LogFull:
                return False

        wait_until(settled, 120, "the workers to catch up")
        check_desk(site)
        check_influx(site)
        check_health(site, status)
        up.terminate()
        up.wait(90)
        check_logs(site, tmp_path)
    finally:
        status.close()
        for process in (compound, up):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(90)
    # A worker that cannot go on without Kafka ends itself, says why, and is started again.
    others = [line for line in log.read_text().splitlines() if not line.startswith("streams")]
    assert up.returncode == 0
    assert not any("Traceback" in line for line in others), "\n".join(others)[-6000:]


def decisions(site: Settings) -> list[Decision]:
    reader, found = open_reader(site, "outbox"), []
    for partition in range(site.streams.partitions):
        after = 0
        while frames := reader.read(partition, after, 500):
            after = frames[-1][0]
            found += [record for _, frame in frames for record in decode_outbox(frame) if isinstance(record, Decision)]
    reader.close()
    return found


def proved(site: Settings, folder: Path) -> Proof:
    inbox, outbox = open_reader(site, "inbox"), open_reader(site, "outbox")
    try:
        return prove_logs(
            inbox,
            outbox,
            fleet_file.load(site.fleet_path),
            policy_file.load(site.policy_path),
            read_acked(folder / "acked.bin"),
            partitions=site.streams.partitions,
            directly=False,
        )
    finally:
        inbox.close()
        outbox.close()


def check_logs(site: Settings, folder: Path) -> None:
    """Nothing that was acknowledged is lost, and nothing was decided twice."""
    proof = proved(site, folder)
    assert (proof.lost, proof.duplicated) == ([], [])
    assert sum(proof.incidents.values()) > 3
    print(f"{proof.events} events, {proof.incidents} incidents, {proof.pages} pages")


def check_desk(site: Settings) -> None:
    """The worker's board shows what the core decided; the system's page tells of the workers."""
    closed = {d.incident for d in decisions(site) if d.decision == "closed"}
    raised = {d.incident: d for d in decisions(site) if d.decision == "raised"}
    still_open = [d for name, d in raised.items() if name not in closed and d.kind == "undeclared-opening"]
    host, port = split_address(site.desk.listen)
    address = f"http://{host}:{port}"
    with httpx.Client(base_url=address, headers={"Origin": address}, trust_env=False, timeout=60) as browser:
        assert browser.get("/health").status_code == 200
        answer = browser.post("/login", data={"name": "worker", "password": PASSWORD})
        assert answer.status_code == 303
        assert still_open

        def is_shown() -> bool:
            """The desk reads behind the workers."""
            board = browser.get("/board").text
            return sum(d.subject in board for d in still_open) >= min(3, len(still_open))

        wait_until(is_shown, 60, "the incidents on the board")


def check_influx(site: Settings) -> None:
    """What happened and what was decided is in the buckets."""
    influx = connect(site.sink)
    reader = InfluxReader(influx)
    now_ms = int(time.time() * 1000)
    wanted = len({d.incident for d in decisions(site) if d.decision == "raised"})

    def there() -> bool:
        rows = list(reader.rows("incident", {}, now_ms - 3_600_000, now_ms + 3_600_000))
        doors = list(reader.rows("door", {}, now_ms - 3_600_000, now_ms + 3_600_000))
        return len(rows) >= wanted and len(doors) > 20

    wait_until(there, 90, "points in InfluxDB")
    influx.close()


def check_health(site: Settings, status: ClusterStatus) -> None:
    """What the system thinks of itself, as the desk asks it."""
    health = ClusterHealth(site.data_path, status)

    def is_up_to_date() -> bool:
        began_ms = time.time() * 1000
        status.look()
        rows = health.readers(int(time.time() * 1000))
        behind = {(row.reader, row.log): row.behind for row in rows}
        return behind[("streams", "inbox")] < 5 and ("sink", "outbox") in behind and status.alive_ms() >= began_ms - 1

    wait_until(is_up_to_date, 90, "everybody up to date")
    core = health.core()
    assert core is not None
    assert core.events > 500
    assert core.put_aside == 0
    assert [row.name for row in health.processes()] == ["gateway", "streams", "streams-2", "sink", "desk"]
