"""Kafka away for minutes under a whole cluster: `python -m pytest -m bench tests/bench/bench_kafka_away.py -s`.

Four gateways (direct; direct with a buffer; direct with a small buffer that gets full; through mosquitto), two workers,
a sink and a desk on one Kafka, which stops for THRESHOLD_AWAY_S seconds (270).  Sensors publish before, all the while
and afterwards; each door opens once.  While Kafka is away a fifth gateway, without a buffer, is started, and a worker
and the sink are killed and started again.

Prints what each gateway, the sensors and the desk say meanwhile.  It fails where something acknowledged is lost, an
opening has not exactly one incident and one page, or a process ends with a traceback; never by its time.
"""

import http.client
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from pyotp.totp import TOTP

from deploy.demo_desk import fill
from devices.edge.settings import load
from devices.events import Event
from duty.edge.demo_people import PASSWORD, TOTP_SECRET
from streams.edge.kafka_log import open_reader
from streams.edge.topics import prepare
from streams.effects import Decision
from streams.frames import decode_inbox, decode_outbox
from tests.gateway.worlds import SECRET, SECRET_SHA256
from tests.live.kafka_gateways import Speaker
from tests.live.test_whole_cluster import ROOT, Process
from tests.servers import Influxd, Kafka, Mosquitto, free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

AWAY_S = float(os.environ.get("THRESHOLD_AWAY_S", "270"))
LOOK_S = 15.0
DOORS = 12  # of each gateway
CHATTER = 20
FAST_S = 150.0  # messages a second for the gateway whose buffer gets full
SLOW_S = 3.0
PARTITIONS = 4
NAMES = {"direct": 0, "buffered": 50, "full": 1, "broker": 0}

FILE = """
[site]
fleet = "../fleet.toml"
[data]
folder = "data"
[gateway]
name = "{name}"
listen = "{listen}"
http = "127.0.0.1:{door}"
rate_per_device_s = 1000
{broker}
[streams]
runtime = "cluster"
partitions = {partitions}
[cluster]
kafka = "{kafka}"
topic_prefix = "{prefix}"
buffer_mb = {buffer_mb}
[sink]
influx_url = "{influx}"
org = "{org}"
bucket = "{bucket}"
token_file = "../token"
[desk]
listen = "127.0.0.1:{desk}"
"""
DEVICE = """
[[device]]
id = "{id}"
format = "zigbee2mqtt"
topic = "zigbee2mqtt/{id}"
household = "{household}"
report_every_s = 86400
secret_sha256 = "{secret}"
"""
CASE = """
[[case]]
household = "{household}"
from = "2020-01-01T00:00:00+08:00"
until = "2099-01-01T00:00:00+08:00"
"""
BRIDGE = """
[[bridge]]
id = "bridge"
topic = "zigbee2mqtt/bridge/state"
grid = "g0"
devices = "zigbee2mqtt/"
secret_sha256 = "{secret}"
"""


def household(door: int) -> str:
    return f"g{door % 8}/1/{door}"


def fleet() -> str:
    rows = [BRIDGE.format(secret=SECRET_SHA256)]
    for door in range(DOORS * len(NAMES)):
        rows.append(DEVICE.format(id=f"door-{door}", household=household(door), secret=SECRET_SHA256))
        rows.append(CASE.format(household=household(door)))
    rows += [DEVICE.format(id=f"chat-{n}", household=f"g{n % 8}/2/{n}", secret=SECRET_SHA256) for n in range(CHATTER)]
    return "".join(rows)


class Part(Process):
    """`waited_for`: its start returns when it is ready, else at once.  `of`: it has another one's settings."""

    waited_for = True

    def __init__(self, folder: Path, what: str, text: str, of: Path | None = None) -> None:
        super().__init__(folder, what, text)
        if of is not None:
            self._config = of / "cluster.toml"

    def is_ready(self) -> bool:
        return not self.waited_for or super().is_ready()


class Site:
    """All processes; what was acknowledged is in `acked`: door → payload numbers."""

    def __init__(self, folder: Path, kafka: Kafka, influxd: Influxd, mosquitto: Mosquitto) -> None:
        self.kafka = kafka
        bucket = influxd.make_bucket(f"away{time.time_ns()}")
        (folder / "token").write_text(influxd.token)
        (folder / "fleet.toml").write_text(fleet())
        prefix = f"away{time.time_ns()}-"
        self.ports = {name: mosquitto.port if name == "broker" else free_port() for name in [*NAMES, "late"]}
        broker = f'[gateway.broker]\nhost = "127.0.0.1"\nport = {mosquitto.port}\n'
        self.processes: dict[str, Part] = {}
        whats = {**dict.fromkeys([*NAMES, "late"], "gateway"), "a": "streams", "b": "streams", "desk": "desk",
                 "sink": "sink"}  # fmt: skip
        self.doors: dict[str, int] = {}
        for name, what in whats.items():
            direct = name in self.ports and name != "broker"
            self.doors[name] = free_port()
            text = FILE.format(
                name=name, listen=f"127.0.0.1:{self.ports[name]}" if direct else "", door=self.doors[name],
                broker=broker if name == "broker" else "", partitions=PARTITIONS, kafka=kafka.url, prefix=prefix,
                buffer_mb=NAMES.get(name, 0), influx=influxd.url, org=influxd.org, bucket=bucket, desk=free_port(),
            )  # fmt: skip
            # The desk's commands come in by the gateway beside it.
            of = folder / "full" if name == "desk" else None
            self.processes[name] = Part(folder / name, what, text, of)
        self.late = self.processes.pop("late")
        desk = load(folder / "full" / "cluster.toml")
        fill(desk, folder / "logins.json")
        address = f"http://{desk.desk.listen}"
        self.browser = httpx.Client(base_url=address, headers={"Origin": address}, trust_env=False, timeout=20)
        self.settings = load(folder / "a" / "cluster.toml")
        self.ended: list[str] = []
        self.speakers: list[Speaker] = []

    def ask(self, name: str, path: str = "/health") -> Any:
        """What a gateway says of itself; the fault's name where it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.doors[name], timeout=4)
        try:
            connection.request("GET", path)
            said = connection.getresponse().read().decode()
            return json.loads(said) if path == "/health" else said
        except OSError as error:
            return type(error).__name__
        finally:
            connection.close()

    def mind(self) -> None:
        """Start again what ended by itself, as a supervisor does, and remember what it said."""
        for name, process in self.processes.items():
            if not process.is_running():
                code = process.process.poll() if process.process is not None else None
                self.ended.append(f"{name} ended with {code}:\n{process.log_tail(60)}")
                process.log_file.rename(process.folder / f"ended-{len(self.ended)}.log")
                process.waited_for = False
                process.start()
                time.sleep(1)

    def log_in(self) -> None:
        """At the desk, as the administrator, who sees how the system is."""
        answer = self.browser.post("/login", data={"name": "admin", "password": PASSWORD})
        assert answer.headers["location"] == "/login/code", answer.text[:500]
        answer = self.browser.post("/login/code", data={"code": TOTP(TOTP_SECRET).now()})
        assert answer.status_code == 303, answer.text[:500]

    def desk_health(self) -> dict[str, Any]:
        try:
            return self.browser.get("/health").json()
        except httpx.HTTPError as error:
            return {"well": False, "error": type(error).__name__}

    def system_page(self) -> str:
        """What it says in words."""
        page = self.browser.get("/system").text
        checks = re.search(r'<ul class="rows checks">(.*?)</ul>', page, re.DOTALL)
        return " · ".join(re.sub(r"<[^>]*>", " ", checks[1]).split()) if checks else page[:300]

    def close(self) -> None:
        self.browser.close()
        for speaker in self.speakers:
            speaker.close()
        for process in (*self.processes.values(), self.late):
            process.kill()


class Sensor:
    """One connection: every message with its number as the battery, so that it can be found in `inbox`."""

    def __init__(self, site: Site, gateway: str, name: str) -> None:
        self.gateway = gateway
        self.name = name
        self.left = 0
        self.sent: dict[str, dict[int, bytes]] = {}
        self.mids: dict[int, tuple[str, int]] = {}
        self.speaker = Speaker(site.ports[gateway], name, password="" if gateway == "broker" else SECRET)
        self.speaker.client.on_disconnect = self._gone
        site.speakers.append(self.speaker)

    def _gone(self, *_: object) -> None:
        self.left += 1

    def says(self, device: str, closed: bool) -> None:
        mine = self.sent.setdefault(device, {})
        number = len(mine)
        # What is in it tells it from the others: the numbers of a signal and of a battery are small.
        payload = b'{"contact":%s,"linkquality":%d,"battery":%d}' % (
            b"true" if closed else b"false", number % 200, 20 + number // 200,
        )  # fmt: skip
        mine[number] = payload
        self.mids[self.speaker.says(f"zigbee2mqtt/{device}", payload).mid] = (device, number)

    def unanswered(self) -> int:
        return len(self.mids) - len(self.speaker.acknowledged & self.mids.keys())


@pytest.fixture
def site(tmp_path: Path, kafka: Kafka, influxd: Influxd, mosquitto: Mosquitto) -> Iterator[Site]:
    made = Site(tmp_path, kafka, influxd, mosquitto)
    yield made
    kafka.start()
    made.close()


def test_kafka_away_for_minutes(site: Site) -> None:
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    prepare(site.settings)
    for process in site.processes.values():
        process.start()
    site.log_in()
    sensors = {
        door: Sensor(site, name, f"door-{door}")
        for number, name in enumerate(NAMES)
        for door in range(number * DOORS, (number + 1) * DOORS)
    }
    chatter = Sensor(site, "full", "bridge")
    every = [*sensors.values(), chatter]
    for door, sensor in sensors.items():
        sensor.says(f"door-{door}", True)
    for n in range(CHATTER):
        chatter.says(f"chat-{n}", True)
    wait_until(lambda: not any(s.unanswered() for s in every), 60, "the first words")

    order = list(sensors)
    Random(5).shuffle(order)
    opened: set[int] = set()

    def opens(count: int) -> None:
        for door in order[len(opened) : len(opened) + count]:
            opened.add(door)
            sensors[door].says(f"door-{door}", False)

    opens(8)
    time.sleep(2)
    print(f"\nKafka stops for {AWAY_S:g} s", flush=True)
    begun_s = time.monotonic()
    site.kafka.stop()
    said = {"late": False, "killed": False, "chat": 0, "slow": 0, "look": 0.0}
    while (gone_s := time.monotonic() - begun_s) < AWAY_S:
        opens(max(0, round((len(order) - 16) * gone_s / AWAY_S) + 8 - len(opened)))
        while said["chat"] < gone_s * FAST_S:
            # No more than a sensor with a memory of its own would keep: what waits is bounded there too.
            if chatter.unanswered() < 2000:
                chatter.says(f"chat-{said['chat'] % CHATTER}", True)
            said["chat"] += 1
        while said["slow"] < gone_s * SLOW_S:
            for sensor in (sensors[d] for d in opened if d % DOORS == said["slow"] % DOORS):
                sensor.says(sensor.name, False)
            said["slow"] += 1
        if gone_s > AWAY_S / 5 and not said["late"]:
            said["late"] = True
            site.late.waited_for = False
            site.late.start()
        if gone_s > AWAY_S / 3 and not said["killed"]:
            # A worker and a sink that begin without Kafka.
            said["killed"] = True
            for name in ("b", "sink"):
                site.processes[name].kill()
                site.processes[name].waited_for = False
                site.processes[name].start()
        if gone_s > said["look"]:
            said["look"] += LOOK_S
            look(site, gone_s, every)
        site.mind()
        time.sleep(0.05)
    print("Kafka starts", flush=True)
    begun_s = time.monotonic()
    site.kafka.start()
    print(f"Kafka answers after {time.monotonic() - begun_s:.0f} s", flush=True)
    opens(len(order))

    def answered() -> bool:
        site.mind()
        return not any(s.unanswered() for s in every)

    wait_until(answered, 180, "all acknowledgements")
    print(f"everything acknowledged {time.monotonic() - begun_s:.0f} s after the start of Kafka", flush=True)

    def drained() -> bool:
        site.mind()
        found = [site.ask(name) for name in NAMES]
        return all(isinstance(h, dict) and h["well"] and not h["inbox"].get("buffer", {}).get("parcels") for h in found)

    wait_until(drained, 180, "every buffer to drain and every gateway to be well")
    print(f"every gateway well and no parcel waiting after {time.monotonic() - begun_s:.0f} s", flush=True)
    raised: Counter[str] = Counter()
    pages: Counter[str] = Counter()

    def known() -> bool:
        site.mind()
        raised.clear()
        pages.clear()
        for decision in decisions(site):
            if decision.kind == "undeclared-opening" and decision.decision == "raised":
                raised[decision.subject] += 1
            if decision.kind == "undeclared-opening" and decision.decision == "page" and decision.role == "worker":
                pages[decision.page] += 1
        return all(raised[household(door)] for door in opened)

    wait_until(known, 180, "an incident for each opening")
    print(f"every opening has its incident after {time.monotonic() - begun_s:.0f} s", flush=True)
    wait_until(lambda: isinstance(site.ask("late"), dict) and site.ask("late")["well"], 60, "the late gateway")
    wait_until(lambda: site.desk_health()["well"], 360, "the desk to be well")
    print(f"the desk is well after {time.monotonic() - begun_s:.0f} s", flush=True)
    look(site, AWAY_S + time.monotonic() - begun_s, every)
    for d in decisions(site):
        if d.kind == "system" and d.decision in ("raised", "closed"):
            print(f"   {d.decision} {d.subject} {d.reason.values.get('detail', '')}", flush=True)
    for each in site.ended:
        print("ENDED", each, flush=True)
    for name, process in site.processes.items():
        text = "".join(p.read_text(errors="replace") for p in sorted(process.folder.glob("*.log")))
        if "Traceback" in text:
            at = text.index("Traceback")
            print(f"TRACEBACK of {name}:\n{text[max(0, at - 800) : at + 2500]}", flush=True)
    missing = lost(site, every)
    print(f"{sum(len(m) for s in every for m in s.sent.values())} messages, {len(missing)} of them not in inbox;"
          f" {len(raised)} incidents, {len(pages)} pages", flush=True)  # fmt: skip
    assert missing == []
    assert raised == Counter({household(door): 1 for door in opened})
    assert len(pages) == sum(pages.values()) == len(opened)
    logs = [p.read_text(errors="replace") for q in site.processes.values() for p in q.folder.glob("*.log")]
    assert not any("Traceback" in log for log in logs)


def look(site: Site, gone_s: float, every: list[Sensor]) -> None:
    print(f"-- {gone_s:.0f} s", flush=True)
    for name in [*NAMES, "late"]:
        health = site.ask(name)
        mine = [s for s in every if s.gateway == name]
        waiting, left = sum(s.unanswered() for s in mine), sum(s.left for s in mine)
        there = sum(s.speaker.client.is_connected() for s in mine)
        sensors = f"sensors: {there} of {len(mine)} connected, {left} times cut off, {waiting} unanswered"
        if not isinstance(health, dict):
            print(f"   {name:<9} {health}", flush=True)
            continue
        inbox = health["inbox"]
        buffer = inbox.get("buffer")
        held = f" buffer {buffer['parcels']} parcels {buffer['bytes']:,} B {buffer['trouble'][:60]!r}" if buffer else ""
        print(f"   {name:<9} well={health['well']} reading={inbox.get('reading')} {inbox['trouble'][:150]!r}{held}; "
              f"{sensors}", flush=True)  # fmt: skip
    print(f"   desk      {site.desk_health()}; its system page: {site.system_page()}", flush=True)


def decisions(site: Site) -> list[Decision]:
    return [d for _, frame in frames(site, "outbox") for d in decode_outbox(frame) if isinstance(d, Decision)]


def frames(site: Site, log: str) -> list[tuple[int, bytes]]:
    reader, found = open_reader(site.settings, log), []
    for partition in range(PARTITIONS):
        after = 0
        while some := reader.read(partition, after, 500):
            found += some
            after = some[-1][0]
    reader.close()
    return found


def lost(site: Site, every: list[Sensor]) -> list[tuple[str, int]]:
    """Messages that were acknowledged and are not in `inbox`."""
    there: dict[str, Counter[float]] = {}
    for _, frame in frames(site, "inbox"):
        for record in decode_inbox(frame):
            if isinstance(record, Event) and record.signal is not None and record.battery_percent is not None:
                number = record.signal + 200 * (record.battery_percent - 20)
                there.setdefault(record.device, Counter())[number] += 1
    return [
        (device, number)
        for sensor in every
        for device, mine in sensor.sent.items()
        for number in mine
        if number not in there.get(device, ())
    ]
