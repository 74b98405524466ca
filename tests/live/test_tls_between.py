"""TLS between the parts, natively: the certificates of make-certificates.sh, the files of deploy/, the real servers."""

import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from deploy import probe
from devices.edge.settings import Settings, load
from duty.edge.store import Store, StoreTrouble
from streams.edge.influx import Influx, InfluxReader, InfluxSeries, connect
from streams.edge.kafka_log import KafkaReader, open_reader, open_writer
from streams.edge.series import Progress, SeriesDown
from streams.edge.topics import prepare
from streams.effects import Decision
from streams.frames import decode_outbox
from streams.measurements import Keep, Point
from tests.house.tree import ROOT
from tests.live.cluster_site import patiently
from tests.servers import Influxd, Kafka, Mosquitto, Postgresql, free_port
from tests.servers.process import Server, ServerFailed
from tests.waiting import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

DEPLOY = ROOT / "deploy"
DAYS: dict[Keep, int] = {"raw": 30, "incidents": 1095}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    made(folder)
    return folder


def made(folder: Path, *more: str) -> str:
    done = subprocess.run(
        ["sh", str(DEPLOY / "make-certificates.sh"), str(folder), *more], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def settings(folder: Path, certificates: Path, part: str, more: str) -> Settings:
    """Settings of a part, with the files the script made for it."""
    own = certificates / part
    path = folder / "threshold.toml"
    path.write_text(more.replace("/run/tls", str(own)))
    return load(path)


# ── the script ──


def test_what_is_good_stays_and_all_can_be_made_anew(tmp_path: Path) -> None:
    assert made(tmp_path).count("made a certificate") == 10
    first = (tmp_path / "kafka" / "certificate.pem").read_text()
    authority = (tmp_path / "authority" / "ca.pem").read_text()
    assert made(tmp_path) == ""
    assert made(tmp_path, "--all").count("made a certificate") == 10
    assert (tmp_path / "kafka" / "certificate.pem").read_text() != first
    assert (tmp_path / "authority" / "ca.pem").read_text() == authority
    for name in ("certificate.pem", "key.pem", "keystore.pem", "ca.pem"):
        assert (tmp_path / "kafka" / name).stat().st_mode & 0o077 == 0
    (tmp_path / "sink" / "certificate.pem").unlink()
    assert made(tmp_path) == "made a certificate for sink, good for 398 days\n"


# ── Kafka ──


class TlsKafka(Kafka):
    """The broker with deploy/kafka/server.properties."""

    def __init__(self, folder: Path, tls: Path) -> None:
        super().__init__(folder)
        self._tls = tls

    def _format(self) -> None:
        super()._format()
        filled = (DEPLOY / "kafka" / "server.properties").read_text()
        values = {
            "NODE": "1", "HOST": "localhost", "LISTEN": "127.0.0.1", "PORT": str(self.port),
            "CONTROLLER_PORT": str(self.controller_port), "VOTERS": f"1@localhost:{self.controller_port}",
            "COPIES": "1", "IN_SYNC": "1", "DATA": str(self.folder / "log"), "TLS": str(self._tls),
        }  # fmt: skip
        for name, value in values.items():
            filled = filled.replace(f"@{name}@", value)
        assert not re.search("@[A-Z_]+@", filled)
        (self.folder / "server.properties").write_text(filled)


def _without_certificate(port: int, ca: Path) -> None:
    """Whoever shows no certificate learns of it when the broker first answers.  Raises ssl.SSLError."""
    context = ssl.create_default_context(cafile=str(ca))
    with socket.create_connection(("localhost", port), timeout=60) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
            wrapped.recv(1)


def kafka_settings(folder: Path, certificates: Path, port: int) -> Settings:
    return settings(
        folder, certificates, "gateway",
        f'[streams]\nruntime = "cluster"\npartitions = 2\n[cluster]\nkafka = "localhost:{port}"\n'
        f'topic_prefix = "tls-"\nsecurity_protocol = "SSL"\nca = "/run/tls/ca.pem"\n'
        'certificate = "/run/tls/certificate.pem"\nprivate_key = "/run/tls/key.pem"\n',
    )  # fmt: skip


@pytest.fixture(scope="module")
def secure_kafka(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsKafka]:
    server = TlsKafka(tmp_path_factory.mktemp("kafka"), certificates / "kafka")
    server.start()
    yield server
    server.stop()


@pytest.mark.slow
def test_kafka_takes_who_shows_a_certificate_and_nobody_else(
    tmp_path: Path, certificates: Path, secure_kafka: TlsKafka
) -> None:
    ours = kafka_settings(tmp_path, certificates, secure_kafka.port)
    prepare(ours)
    writer, reader = open_writer(ours, "inbox"), open_reader(ours, "inbox")
    assert patiently(writer.append, [(1, b"a frame")]) == [1]
    assert patiently(reader.read, 1, 0) == [(1, b"a frame")]
    writer.close()
    reader.close()
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate required|bad.certificate"):
        _without_certificate(secure_kafka.port, certificates / "gateway" / "ca.pem")


# ── InfluxDB ──


class TlsInfluxd(Influxd):
    """influxd with a certificate."""

    def __init__(self, folder: Path, tls: Path) -> None:
        super().__init__(folder)
        self._tls = tls

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def command(self) -> list[str]:
        return [
            *super().command(),
            f"--tls-cert={self._tls / 'certificate.pem'}",
            f"--tls-key={self._tls / 'key.pem'}",
        ]


@pytest.fixture
def trusting(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own questions to influxd go through urllib: it believes our authority too."""
    context = ssl.create_default_context(cafile=str(certificates / "sink" / "ca.pem"))
    monkeypatch.setattr(ssl, "_create_default_https_context", lambda *_args, **_more: context)


@pytest.mark.usefixtures("trusting")
def test_the_sink_knows_influxdb_by_our_authority(tmp_path: Path, certificates: Path) -> None:
    server = TlsInfluxd(tmp_path / "influxd", certificates / "influxdb")
    server.start()
    try:
        (tmp_path / "token").write_text(server.token)
        read = settings(
            tmp_path, certificates, "sink",
            f'[sink]\ninflux_url = "{server.url}"\ntoken_file = "token"\nca = "/run/tls/ca.pem"\n',
        )  # fmt: skip
        now_ms = time.time_ns() // 1_000_000
        point = Point("system", ("sink",), (1,), now_ms * 1_000_000)
        store = InfluxSeries(tmp_path / "series.db", connect(read.sink), days=DAYS, clock=lambda: now_ms)
        assert store.write([point], Progress()) == 0
        store.close()
        stranger = Influx(url=server.url, org=server.org, bucket="x", token=server.token)
        with pytest.raises(SeriesDown, match=r"certificate was not accepted: look at ca and influx_url in \[sink\]"):
            stranger.prepare(DAYS)
        stranger.close()
    finally:
        server.stop()


# ── PostgreSQL ──


class TlsPostgresql(Postgresql):
    """PostgreSQL with TLS and deploy/postgresql/pg_hba.conf: the network needs a certificate."""

    def __init__(self, tls: Path) -> None:
        super().__init__()
        self._from = tls
        self._tls = self.folder / "tls"

    def command(self) -> list[str]:
        files = {"ssl_ca_file": "ca.pem", "ssl_cert_file": "certificate.pem", "ssl_key_file": "key.pem"}
        options = {"ssl": "on", "hba_file": str(self.folder / "pg_hba.conf")}
        options |= {key: str(self._tls / name) for key, name in files.items()}
        return [*super().command(), *(part for key, value in options.items() for part in ("-c", f"{key}={value}"))]

    def start(self) -> None:
        # The certificates' folder may belong to root: the server's own user needs its own.
        shutil.copytree(self._from, self._tls)
        shutil.copy(DEPLOY / "postgresql" / "pg_hba.conf", self.folder)
        for path in (self._tls, self.folder / "pg_hba.conf", *self._tls.iterdir()):
            if isinstance(self.user, int):
                shutil.chown(path, self.user, self.user)
        super().start()

    def is_ready(self) -> bool:
        return (self.folder / f".s.PGSQL.{self.port}").exists()

    def execute(self, sql: str) -> str:
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", "threshold", "-d", "postgres"]
        return self._run(str(self.psql), *where, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql)


def test_postgresql_knows_the_desk_by_its_certificate(certificates: Path) -> None:
    server = TlsPostgresql(certificates / "postgresql")
    server.start()
    try:
        server.wait_until(lambda: _answers(server), 60, "to answer")
        server.execute("CREATE ROLE desk LOGIN")
        server.execute("CREATE DATABASE threshold OWNER desk")
        here = f"postgresql+psycopg://desk@localhost:{server.port}/threshold?sslmode=verify-full"
        ca = f"&sslrootcert={certificates / 'desk' / 'ca.pem'}"

        def shown(part: str) -> str:
            own = certificates / part
            return f"&sslcert={own / 'certificate.pem'}&sslkey={own / 'key.pem'}"

        store = Store.open(here + ca + shown("desk"), master_key=bytes(32))
        store.close()
        for refused in (ca, ca + shown("sink"), shown("desk") + "&sslrootcert=/dev/null"):
            with pytest.raises(StoreTrouble):
                Store.open(here + refused, master_key=bytes(32)).close()
    finally:
        server.remove()


def _answers(server: TlsPostgresql) -> bool:
    try:
        server.execute("SELECT 1")
    except ServerFailed:
        return False
    return True


# ── mosquitto ──


class TlsMosquitto(Mosquitto):
    """mosquitto with deploy/mosquitto/cluster.conf."""

    def __init__(self, folder: Path, tls: Path, passwords: Path) -> None:
        super().__init__(folder)
        self._replaced = {
            "listener 8883": f"listener {self.port} 127.0.0.1",
            "/run/tls": str(tls),
            "/run/secrets/mosquitto-passwd": str(passwords),
            "/mosquitto/data/": f"{folder}/",
        }

    def _configuration(self) -> Path:
        text = (DEPLOY / "mosquitto" / "cluster.conf").read_text()
        for name, here in self._replaced.items():
            assert name in text
            text = text.replace(name, here)
        path = self.folder / "mosquitto.conf"
        path.write_text(text + "user root\n")
        return path


@pytest.fixture
def broker(tmp_path: Path, certificates: Path) -> Iterator[TlsMosquitto]:
    done = subprocess.run(
        ["sh", str(DEPLOY / "secrets.sh"), str(tmp_path / "secrets")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    server = TlsMosquitto(tmp_path / "mosquitto", certificates / "mosquitto", tmp_path / "secrets" / "mosquitto-passwd")
    server.start()
    yield server
    server.stop()


def connected(port: int, ca: Path | None, password: str) -> str:
    """How a client fares: what the broker answers, or why TLS failed."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set("threshold", password)
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    client.tls_set_context(context)
    said: list[str] = []
    client.on_connect = lambda _client, _data, _flags, code, _more: said.append(str(code))
    try:
        client.connect("localhost", port)
    except OSError as error:
        return type(error).__name__
    end = time.monotonic() + 60
    while not said and time.monotonic() < end:
        client.loop(0.1)
    client.disconnect()
    return said[0] if said else "nothing"


def test_mosquitto_takes_the_password_of_the_script_over_tls(
    broker: TlsMosquitto, tmp_path: Path, certificates: Path
) -> None:
    ca = certificates / "gateway" / "ca.pem"
    password = (tmp_path / "secrets" / "mqtt-password").read_text()
    assert connected(broker.port, ca, password) == "Success"
    assert connected(broker.port, ca, "not it") == "Not authorized"
    assert connected(broker.port, None, password) == "SSLCertVerificationError"


# ── the settings of the containers, with all of it ──

FLEET = """
[[device]]
id = "door-1"
format = "native"
topic = "threshold/g1/door-1/door"
household = "g1/1/1"
[[case]]
household = "g1/1/1"
from = "2020-01-01T00:00:00+08:00"
until = "2090-01-01T00:00:00+08:00"
"""


@pytest.mark.slow
@pytest.mark.usefixtures("trusting")
def test_a_door_becomes_a_page_and_a_point_by_the_settings_of_the_containers(
    broker: TlsMosquitto, secure_kafka: TlsKafka, tmp_path: Path, certificates: Path
) -> None:
    """deploy/cluster/site.toml but for its addresses: broker, Kafka and metrics over TLS."""
    (tmp_path / "fleet.toml").write_text(FLEET)
    ports = {name: free_port() for name in ("8883", "9101", "9102", "9103")}
    influxd = TlsInfluxd(tmp_path / "influxd", certificates / "influxdb")
    influxd.start()
    (tmp_path / "secrets" / "influx-token").write_text(influxd.token)

    def config(part: str) -> Path:
        text = (DEPLOY / "cluster" / "site.toml").read_text()
        replaced = {
            "@HOSTNAME@": f"{part}-0", "@COPIES@": "1", "/run/tls": str(certificates / part),
            "/run/secrets": str(tmp_path / "secrets"), "/etc/threshold": str(tmp_path),
            "/var/lib/threshold": str(tmp_path / part), 'host = "mosquitto"': 'host = "localhost"',
            "\nport = 8883": f"\nport = {broker.port}", "kafka:9092": f"localhost:{secure_kafka.port}",
            "partitions = 24": "partitions = 2", "https://influxdb:8086": influxd.url, "0.0.0.0:": "127.0.0.1:",
            'metrics = "127': 'topic_prefix = "tls2-"\nmetrics = "127',
        }  # fmt: skip
        for name, here in replaced.items():
            assert name in text, name
            text = text.replace(name, here)
        for name, port in ports.items():
            text = text.replace(f"127.0.0.1:{name}", f"127.0.0.1:{port}")
        text = text.replace("[gateway]\n", f'[gateway]\nhttp = "127.0.0.1:{door}"\n')
        path = tmp_path / f"{part}.toml"
        path.write_text(text)
        return path

    door = free_port()
    running = {part: Part(tmp_path / f"run-{part}", part, config(part)) for part in ("gateway", "streams", "sink")}
    try:
        for part, process in running.items():
            process.start()
            wait_until(lambda part=part: probe.main([part, "--config", str(tmp_path / f"{part}.toml")]) == 0, 120)
        with pytest.raises(OSError):
            _without_certificate(ports["9101"], certificates / "gateway" / "ca.pem")
        password = (tmp_path / "secrets" / "mqtt-password").read_text()
        for state in ("closed", "open"):
            published(broker.port, certificates / "gateway" / "ca.pem", password, f'{{"state": "{state}"}}')
        reader = open_reader(load(tmp_path / "streams.toml"), "outbox")
        wait_until(lambda: "page" in patiently(decisions, reader), 120)
        reader.close()
        series = InfluxReader(connect(load(tmp_path / "sink.toml").sink))
        wait_until(lambda: moves(series) == 2, 120)
        series.close()
    finally:
        for process in running.values():
            process.stop()
        influxd.stop()


class Part(Server):
    """A process of Threshold."""

    start_timeout_s = 120.0

    def __init__(self, folder: Path, part: str, config: Path) -> None:
        super().__init__(folder)
        self.name = part
        self._config = config

    def command(self) -> list[str]:
        return [sys.executable, "-m", "deploy.process", self.name, "--config", str(self._config)]

    def environment(self) -> dict[str, str]:
        return super().environment() | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def is_ready(self) -> bool:
        return f"{self.name} ready" in self.log_file.read_text()


def published(port: int, ca: Path, password: str, payload: str) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set("threshold", password)
    client.tls_set_context(ssl.create_default_context(cafile=str(ca)))
    client.connect("localhost", port)
    client.loop_start()
    client.publish("threshold/g1/door-1/door", payload, qos=1).wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def moves(series: InfluxReader) -> int:
    """How many points of the door there are; the sink makes the buckets with the first one."""
    now_ms = time.time_ns() // 1_000_000
    try:
        return len(list(series.rows("door", {"grid": "g1"}, now_ms - 600_000, now_ms + 600_000)))
    except SeriesDown as missing:
        if "no such organisation or bucket" not in str(missing):
            raise
        return 0


def decisions(reader: KafkaReader) -> list[str]:
    found: list[str] = []
    for partition in (0, 1):
        for _, frame in reader.read(partition, 0, 1000):
            found += [each.decision for each in decode_outbox(frame) if isinstance(each, Decision)]
    return found
