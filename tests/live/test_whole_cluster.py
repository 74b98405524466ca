"""The whole of a cluster as real processes, from a broker's acknowledgement to the desk's store and InfluxDB.

Every process is killed in its turn, workers come, go and are paused, Kafka is killed, InfluxDB is stopped.
"""

import os
import re
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select

from devices.edge.settings import Settings, load
from duty.edge import tables
from duty.edge.keys import master_key
from duty.edge.store import Store
from streams.edge.influx import Influx, InfluxReader
from streams.edge.kafka import quiet
from streams.edge.kafka_log import open_reader
from streams.edge.log import LogFull
from streams.edge.series import SeriesDown
from streams.edge.topics import prepare
from streams.effects import Decision
from streams.frames import decode_outbox
from tests.live.cluster_site import patiently
from tests.servers import Influxd, Kafka, Mosquitto, Server, free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 4
DOORS = 160
SILENT_S = 15.0
SESSION_S = 6
TROUBLES = ("gateway killed", "worker killed", "worker paused", "workers join and leave", "sink killed", "desk killed",
            "influxdb stopped", "kafka killed", "everything killed")  # fmt: skip
SEED, ROUNDS = 11, 20

FILE = """
[site]
fleet = "../fleet.toml"
[data]
folder = "data"
[gateway]
name = "{name}"
listen = ""
http = "127.0.0.1:{door}"
[gateway.broker]
host = "127.0.0.1"
port = {broker}
client_id = "threshold-{name}"
share = "threshold"
[streams]
runtime = "cluster"
partitions = {partitions}
[cluster]
kafka = "{kafka}"
topic_prefix = "{prefix}"
session_timeout_s = {session}
[sink]
influx_url = "{influx}"
org = "{org}"
bucket = "{bucket}"
token_file = "../token"
[desk]
listen = "127.0.0.1:{desk}"
"""
ROWS = """
[[device]]
id = "door-{n}"
format = "zigbee2mqtt"
topic = "zigbee2mqtt/door-{n}"
household = "g{grid}/1/{n}"
[[case]]
household = "g{grid}/1/{n}"
from = "2020-01-01T00:00:00+08:00"
until = "2099-01-01T00:00:00+08:00"
"""


class Process(Server):
    """One process of the cluster; `what` is its name on the command line."""

    start_timeout_s = 120.0

    def __init__(self, folder: Path, what: str, text: str) -> None:
        super().__init__(folder)
        folder.mkdir(parents=True)
        self.name = what
        self._config = folder / "cluster.toml"
        self._config.write_text(text)
        self._from = 0

    def start(self) -> None:
        self._from = self.log_file.stat().st_size if self.log_file.exists() else 0
        super().start()

    def is_ready(self) -> bool:
        return re.search(r"\bready\b", self.said()) is not None

    def said(self) -> str:
        return self.log_file.read_bytes()[self._from :].decode(errors="replace") if self.log_file.exists() else ""

    def command(self) -> list[str]:
        return [sys.executable, "-u", "-m", "deploy.process", self.name, "--config", str(self._config)]

    def environment(self) -> dict[str, str]:
        return super().environment() | {"PYTHONPATH": str(ROOT)}

    def settings(self) -> Settings:
        return load(self._config)


class City:
    """Two gateways, two workers, a sink, a desk; a broker before them, Kafka and InfluxDB under them."""

    def __init__(self, folder: Path, kafka: Kafka, influxd: Influxd, mosquitto: Mosquitto) -> None:
        self.kafka, self.influxd = kafka, influxd
        self.bucket = influxd.make_bucket(f"city{time.time_ns()}")
        (folder / "token").write_text(influxd.token)
        (folder / "fleet.toml").write_text("".join(ROWS.format(n=n, grid=n % 8) for n in range(DOORS)))
        prefix = f"city{time.time_ns()}-"
        self.processes: dict[str, Process] = {}
        for what, names in {"streams": "abgh", "gateway": "cd", "sink": "e", "desk": "f"}.items():
            for name in names:
                text = FILE.format(
                    name=name, door=free_port(), broker=mosquitto.port, partitions=PARTITIONS, kafka=kafka.url,
                    prefix=prefix, influx=influxd.url, org=influxd.org, bucket=self.bucket, desk=free_port(),
                    session=SESSION_S,
                )  # fmt: skip
                self.processes[name] = Process(folder / name, what, text)
        self.guests = [self.processes.pop(name) for name in "gh"]
        self.settings = self.processes["a"].settings()
        self.opened: dict[int, float] = {}  # household → when its opening was acknowledged
        self.pages: Counter[str] = Counter()
        self.again = 0  # pages that stood there already
        self.of_worker: set[str] = set()  # those pages that go to the worker: after five minutes others have theirs
        self.raised: Counter[str] = Counter()
        self.seen_s: dict[str, float] = {}
        self._places = dict.fromkeys(range(PARTITIONS), 0)
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="doors")
        self._client.connect("127.0.0.1", mosquitto.port)
        self._client.loop_start()
        self._outbox = open_reader(self.settings, "outbox")
        # All the time: what was decided while a process started was not decided when it had.
        self._end = threading.Event()
        self._reading = threading.Thread(target=self._read_on, daemon=True)

    def start(self) -> None:
        prepare(self.settings)
        for process in self.processes.values():
            process.start()
        self._reading.start()

    def says(self, door: int, payload: bytes) -> None:
        told = self._client.publish(f"zigbee2mqtt/door-{door}", payload, qos=1)
        told.wait_for_publish(120)
        assert told.is_published(), f"the broker has not acknowledged door-{door} in 120 s"

    def opens(self, doors: range) -> None:
        for door in doors:
            self.says(door, b'{"contact":false}')
            self.opened[door] = time.monotonic()

    def _read_on(self) -> None:
        while not self._end.wait(0.05):
            with suppress(LogFull):  # Kafka was killed
                self._read()

    def read_to_the_end(self) -> None:
        """Whatever `outbox` says; from then on it is not read any more."""
        self._end.set()
        self._reading.join()
        patiently(self._read)

    def _read(self) -> None:
        for partition in self._places:
            while frames := self._outbox.read(partition, self._places[partition], 500):
                self._places[partition] = frames[-1][0]
                for decision in (e for _, frame in frames for e in decode_outbox(frame) if isinstance(e, Decision)):
                    if decision.kind != "undeclared-opening":
                        continue
                    if decision.decision == "raised":
                        self.seen_s.setdefault(decision.subject, time.monotonic())
                        self.raised[decision.subject] += 1
                    elif decision.decision == "page":
                        self.again += decision.page in self.pages
                        self.pages[decision.page] += 1
                        if decision.role == "worker":
                            self.of_worker.add(decision.page)

    def knows_all(self) -> bool:
        return all(household(door) in self.raised for door in self.opened)

    def desk_knows_all(self) -> bool:
        """Whether what was read here has come to the desk's store, seen while the desk writes it."""
        with closing(sqlite3.connect(f"file:{self.desk_db}?mode=ro", uri=True, timeout=60)) as store:
            subjects = {subject for (subject,) in store.execute("SELECT subject FROM incidents")}
            pages = {page for (page,) in store.execute("SELECT page FROM deliveries")}
        return set(self.raised) <= subjects and set(self.pages) <= pages

    @property
    def desk_db(self) -> Path:
        return self.processes["f"].settings().data_path / "desk.db"

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._end.set()
        if self._reading.ident is not None:
            self._reading.join(60)
        self._outbox.close()
        for process in (*self.processes.values(), *self.guests):
            process.kill()


def household(door: int) -> str:
    return f"g{door % 8}/1/{door}"


@pytest.fixture
def city(tmp_path: Path, kafka: Kafka, influxd: Influxd, make_mosquitto: Callable[..., Mosquitto]) -> Iterator[City]:
    quiet()
    made = City(tmp_path, kafka, influxd, make_mosquitto(settings="durable"))
    yield made
    made.close()


def trouble(city: City, what: str, random: Random, doors: range) -> float:
    """Openings before, during and after it; since when somebody who is well must be heard again."""
    first, second, third = (doors[n::3] for n in range(3))
    names = {"gateway killed": "cd", "worker killed": "ab", "sink killed": "e", "desk killed": "f"}
    city.opens(first)
    began_s = time.monotonic()
    match what:
        case "influxdb stopped":
            city.influxd.stop()
            city.opens(second)
            time.sleep(2)
            city.influxd.start()
        case "kafka killed":
            city.kafka.kill()
            city.opens(second)  # the broker has them, and hands them on when a gateway takes them
            time.sleep(1)
            city.kafka.start()
            began_s = time.monotonic()
        case "worker paused":
            paused = city.processes[random.choice("ab")].pid
            os.kill(paused, signal.SIGSTOP)
            city.opens(second)
            time.sleep(SESSION_S + 3)
            os.kill(paused, signal.SIGCONT)
        case "workers join and leave":
            for guest in city.guests:
                guest.start()
            city.opens(second)
            for guest in city.guests:
                guest.stop()
        case "everything killed":
            for process in city.processes.values():
                process.kill()
            city.opens(second)
            for process in city.processes.values():
                process.start()
            began_s = time.monotonic()
        case _:
            victim = city.processes[random.choice(names[what])]
            victim.kill()
            city.opens(second)
            time.sleep(1)
            victim.start()
    city.opens(third)
    return began_s


def test_no_opening_is_lost_or_told_twice_from_the_broker_to_the_desk_and_influxdb(city: City) -> None:
    random = Random(SEED)
    rounds = [*TROUBLES, *random.choices(TROUBLES, k=ROUNDS - len(TROUBLES))]
    random.shuffle(rounds)
    city.start()
    for door in range(DOORS):
        city.says(door, b'{"contact":true}')
    a_round, longest_s = DOORS // ROUNDS, 0.0
    for number, what in enumerate(rounds):
        doors = range(number * a_round, (number + 1) * a_round)
        began_s = trouble(city, what, random, doors)
        wait_until(city.knows_all, 180, f"every opening is raised after {what}")
        silent_s = max(city.seen_s[household(door)] - max(city.opened[door], began_s) for door in doors)
        print(f"round {number + 1}: {what}: silent for {silent_s:.1f} s; {len(city.raised)} incidents, "
              f"{len(city.pages)} pages, {city.again} of them said again")  # fmt: skip
        ended = [process for process in city.processes.values() if not process.is_running()]
        assert not ended, f"{ended[0].name} ended itself after {what}:\n{ended[0].log_tail()}"
        assert silent_s < SILENT_S * 3, "even a busy machine is not silent for so long"
        longest_s = max(longest_s, silent_s)
    print(f"{ROUNDS} rounds, never silent for longer than {longest_s:.1f} s (aim {SILENT_S:g})")

    wait_until(lambda: city.knows_all() and len(city.of_worker) >= len(city.opened), 120, "a page for each opening")
    time.sleep(2)
    city.read_to_the_end()
    assert city.raised == Counter({household(door): 1 for door in city.opened})
    assert len(city.of_worker) == len(city.opened), "one page each: the worker's"
    assert sum(city.pages.values()) == len(city.pages), "and none of them twice"

    # The desk and the series have come as far, and have each once.
    desk, sink = city.processes["f"], city.processes["e"]
    points = Influx(
        url=city.influxd.url, org=city.influxd.org, bucket=city.bucket, token=city.influxd.token
    )  # fmt: skip
    reader = InfluxReader(points)
    now_ms = time.time_ns() // 1_000_000

    def in_influxdb() -> Counter[str]:
        where = {"kind": "undeclared-opening", "decision": "raised"}
        try:
            return Counter(map(repr, reader.rows("incident", where, now_ms - 3_600_000, now_ms + 3_600_000)))
        except SeriesDown as late:
            print(late)
            return Counter()

    wait_until(lambda: len(in_influxdb()) >= len(city.opened), 120, "InfluxDB has a point for each incident")
    assert len(in_influxdb()) == sum(in_influxdb().values()) == len(city.opened)
    reader.close()
    wait_until(city.desk_knows_all, 120, "the desk knows every incident and page")
    sink.stop()
    desk.stop()
    store = Store.open(city.desk_db, master_key=master_key(city.desk_db.parent))
    with store.together() as connection:
        kept = Counter(connection.execute(select(tables.incidents.c.subject)).scalars())
        owed = Counter(connection.execute(select(tables.deliveries.c.page)).scalars())
    store.close()
    assert {subject: kept[subject] for subject in city.raised} == dict(city.raised)
    assert set(city.pages) <= set(owed)
    assert max(owed.values()) == 1
