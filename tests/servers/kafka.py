"""Kafka: one KRaft node, broker and controller in one process, from the jars that tests/servers/fetching.py brings."""

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from tests.servers.certificates import Authority
from tests.servers.finding import Missing, cache, need
from tests.servers.process import Server, ServerFailed, free_port

VERSION = "4.1.1"
SCALA = "2.13"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners={protocol}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners={protocol}://127.0.0.1:{port}
listener.security.protocol.map={protocol}:{protocol},CONTROLLER:PLAINTEXT
inter.broker.listener.name={protocol}
log.dirs={folder}/log
num.partitions=1
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""
# With an authority: clients must trust it, and say one of the passwords.
SECURE = """\
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={authority}
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username="broker" password="of-the-broker" user_broker="of-the-broker" {users};
"""


def jars() -> Path:
    """The folder with Kafka's jars: KAFKA_HOME's, or the one fetched through Maven."""
    home = os.environ.get("KAFKA_HOME")
    for folder in ([Path(home) / "libs"] if home else []) + [cache() / f"kafka-{VERSION}"]:
        if any(folder.glob("kafka_*.jar")):
            return folder
    raise Missing("kafka")


class Kafka(Server):
    """`url` is what a client takes as bootstrap servers. About 7 s from start to ready.

    With an `authority` it speaks TLS only, and lets in who says one of the `passwords` (user → password).
    """

    name = "kafka"
    start_timeout_s = 90.0

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        authority: Authority | None = None,
        passwords: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self.authority = authority
        self.passwords = dict(passwords or {})
        self.controller_port = free_port()
        self.jars = jars()
        self.java = need("java")
        self._ready_after = 0

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        if not (self.folder / "log" / "meta.properties").exists():
            self._format()
        # Only what this start writes tells that it is ready: the log of an earlier start says so too.
        self._ready_after = self.log_file.stat().st_size if self.log_file.exists() else 0
        super().start()

    def is_ready(self) -> bool:
        with self.log_file.open("rb") as log:
            log.seek(self._ready_after)
            return b"Kafka Server started" in log.read() and super().is_ready()

    def command(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", str(self.folder / "server.properties")]

    def _java(self) -> list[str]:
        logging = "-Dorg.slf4j.simpleLogger.defaultLogLevel=info"
        return [str(self.java), "-Xms256m", "-Xmx1g", "-XX:+UseSerialGC", logging, "-cp", f"{self.jars}/*"]

    def _secure(self) -> str:
        if self.authority is None:
            return ""
        pair = self.authority.issue("kafka")
        (self.folder / "broker.pem").write_text(pair.key.read_text() + pair.certificate.read_text())
        users = " ".join(f'user_{name}="{password}"' for name, password in self.passwords.items())
        return SECURE.format(folder=self.folder, authority=self.authority.certificate, users=users)

    def _format(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.folder / "log", ignore_errors=True)
        properties = self.folder / "server.properties"
        protocol = "SASL_SSL" if self.authority else "PLAINTEXT"
        text = PROPERTIES.format(
            port=self.port, controller_port=self.controller_port, folder=self.folder, protocol=protocol
        )
        properties.write_text(text + self._secure())
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        command = [*self._java(), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.folder, check=False)
        if done.returncode != 0:
            raise ServerFailed(f"kafka: the folder could not be formatted:\n{done.stdout}{done.stderr}")
