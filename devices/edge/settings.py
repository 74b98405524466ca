"""The settings file: one TOML file that every process of a site reads.

`load` hands back frozen values with every relative path made absolute, or complains with file and line.
"""

from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from devices.edge.complaints import Collector, did_you_mean
from devices.edge.toml_lines import Path_, TomlFile, read_toml


def _address(value: object) -> object:
    """`host:port`, `[::1]:port` or "" → the same, once it is known to be one."""
    if not isinstance(value, str) or not value:
        return value
    host, colon, port = value.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError("is not host:port, as 127.0.0.1:1883")
    if not host:
        raise ValueError("has no host: write 0.0.0.0 for every address of this machine, 127.0.0.1 for itself alone")
    return value


def split_address(address: str) -> tuple[str, int]:
    """`127.0.0.1:1883` → ("127.0.0.1", 1883); brackets around an IPv6 host are taken off."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach `host:port`."""
    host = split_address(address)[0]
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


Address = Annotated[str, BeforeValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Site(_Table):
    """`fleet` and `policy` are paths; an empty policy is the one that comes with Threshold."""

    name: str = "Threshold"
    fleet: str = "fleet.toml"
    policy: str = ""


class Data(_Table):
    """Where everything is kept, and for how long."""

    folder: str = "data"
    raw_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    incident_days: Annotated[int, Field(ge=1, le=36_500)] = 1095


class Broker(_Table):
    """A broker the site already has."""

    host: Annotated[str, Field(min_length=1)]
    port: Port = 1883
    client_id: str = "threshold-gateway"
    username: str = ""
    password_file: str = ""
    ca: str = ""
    tls: bool = False
    share: str = ""


class Gateway(_Table):
    """How devices come in: directly (`listen`, `tls_listen`; "" is off), through a broker, or both."""

    listen: Address = "127.0.0.1:1883"
    tls_listen: Address = ""
    certificate: str = ""
    private_key: str = ""
    client_ca: str = ""
    http: Address = "127.0.0.1:18830"
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 6000
    rate_per_device_s: Annotated[float, Field(gt=0, le=10_000, strict=False)] = 20.0
    allow_anonymous: bool = False
    broker: Broker | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Gateway":
        if self.tls_listen and not (self.certificate and self.private_key):
            raise ValueError("tls_listen needs certificate and private_key")
        if not self.http or not is_loopback(self.http):
            raise ValueError("http is the door of this machine's own processes: keep it on 127.0.0.1")
        if not (self.listen or self.tls_listen or self.broker):
            raise ValueError("no way in: set listen or tls_listen, or add [gateway.broker]")
        return self


class Streams(_Table):
    """Which runtime applies the rules."""

    runtime: Literal["local", "cluster"] = "local"
    partitions: Annotated[int, Field(ge=1, le=1024)] = 1


class Cluster(_Table):
    """Kafka, for `runtime = "cluster"`.  `metrics` is where a worker answers Prometheus; "" is nowhere."""

    kafka: str = ""
    topic_prefix: str = "threshold-"
    replication: Annotated[int, Field(ge=1, le=15)] = 1
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str = ""
    password_file: str = ""
    ca: str = ""
    certificate: str = ""
    private_key: str = ""
    store: Literal["memory", "rocksdb"] = "memory"
    standby_replicas: Annotated[int, Field(ge=0, le=5)] = 1
    session_timeout_s: Annotated[float, Field(ge=6, le=300, strict=False)] = 8.0
    progress_timeout_s: Annotated[float, Field(ge=10, le=3600, strict=False)] = 60.0
    metrics: Address = ""

    @model_validator(mode="after")
    def _whole(self) -> "Cluster":
        if bool(self.certificate) != bool(self.private_key):
            raise ValueError("certificate and private_key belong together")
        if self.security_protocol.startswith("SASL") and not (self.username and self.password_file):
            raise ValueError(f"security_protocol {self.security_protocol} needs username and password_file")
        return self


class Sink(_Table):
    """Where the points go; without `influx_url` into the embedded store."""

    influx_url: str = ""
    org: str = "threshold"
    bucket: str = "threshold"
    token_file: str = ""

    @model_validator(mode="after")
    def _whole(self) -> "Sink":
        if self.influx_url and not self.token_file:
            raise ValueError("influx_url needs token_file")
        return self


class Desk(_Table):
    """The screens.  `database` "" is SQLite in the data folder.  `public_url` is where people reach the desk, as
    https://desk.example.org: it stands in the links of messages."""

    listen: Address = "127.0.0.1:8080"
    public_url: str = ""
    database: str = ""
    language: Literal["zh", "en"] = "zh"

    @model_validator(mode="after")
    def _whole(self) -> "Desk":
        if self.public_url and not self.public_url.startswith(("https://", "http://")):
            raise ValueError("public_url is no address: write it as https://desk.example.org")
        return self


class Pages(_Table):
    """Where pages go besides MQTT and the desk."""

    webhook_url: str = ""
    webhook_secret_file: str = ""


class Settings(_Table):
    """Everything.  Paths are absolute (or "") once `load` returned."""

    site: Site = Site()
    data: Data = Data()
    gateway: Gateway = Gateway()
    streams: Streams = Streams()
    cluster: Cluster = Cluster()
    sink: Sink = Sink()
    desk: Desk = Desk()
    pages: Pages = Pages()
    file: str = ""  # where these settings were read from

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        if self.streams.runtime == "cluster" and not self.cluster.kafka:
            raise ValueError('runtime = "cluster" needs kafka in [cluster]')
        return self

    @property
    def fleet_path(self) -> Path:
        return Path(self.site.fleet)

    @property
    def policy_path(self) -> Path:
        return Path(self.site.policy) if self.site.policy else default_policy_path()

    @property
    def data_path(self) -> Path:
        return Path(self.data.folder)


def default_policy_path() -> Path:
    """The policy that comes with Threshold."""
    return Path(__file__).resolve().parents[2] / "deploy" / "policy.toml"


_PATHS = (
    ("site", "fleet"),
    ("site", "policy"),
    ("data", "folder"),
    ("gateway", "certificate"),
    ("gateway", "private_key"),
    ("gateway", "client_ca"),
    ("gateway", "broker", "password_file"),
    ("gateway", "broker", "ca"),
    ("cluster", "password_file"),
    ("cluster", "ca"),
    ("cluster", "certificate"),
    ("cluster", "private_key"),
    ("sink", "token_file"),
    ("pages", "webhook_secret_file"),
)


def load(path: str | Path) -> Settings:
    """Read the settings file at `path`.  Raises Complaint: one, or `Complaints` with all that is wrong with it."""
    file = read_toml(path)
    return from_toml(file, Path(path).resolve())


def from_toml(file: TomlFile, path: Path) -> Settings:
    """The settings that `file` holds; its relative paths are taken from the folder of `path`.  Raises Complaint."""
    into = Collector(file.file)
    if "file" in file.data:
        into.add(file.line("file"), "there is no key 'file' in settings", "remove it")
        into.done()
    try:
        read = Settings.model_validate(file.data)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            _complain(into, file, tuple(fault["loc"]), str(fault["type"]), fault["msg"])
        into.done()
        raise
    raw = read.model_dump()
    for *tables, key in _PATHS:
        here: Any = raw
        for name in tables:
            here = here and here[name]
        if here and here[key]:
            here[key] = str(path.parent / Path(here[key]).expanduser())
    raw["file"] = str(path)
    return Settings.model_validate(raw)


@cache
def _keys_of(path: Path_) -> tuple[str, ...]:
    here: Any = Settings
    for name in path:
        kind = here.model_fields[name].annotation
        here = Broker if kind == Broker | None else kind
    return tuple(name for name in here.model_fields if path or name != "file")


def _complain(into: Collector, file: TomlFile, where: Path_, sort: str, said: str) -> None:
    name = ".".join(str(part) for part in where)
    line = file.line(*where)
    if sort == "extra_forbidden":
        table = ".".join(str(part) for part in where[:-1])
        what = f"there is no key {where[-1]!r} in [{table}]" if table else f"there is no table [{name}] in settings"
        into.add(line, what, did_you_mean(str(where[-1]), _keys_of(where[:-1])))
    elif sort == "value_error":
        what, colon, remedy = said.removeprefix("Value error, ").partition(": ")
        into.add(line, f"{name} {what}" if sort and len(where) > 1 else what, remedy if colon else "")
    else:
        into.add(line, f"{name}: {said[:1].lower()}{said[1:]}", "see deploy/threshold.toml for every key")
