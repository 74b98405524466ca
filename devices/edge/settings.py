"""The settings file: one TOML file that every process of a site reads.

`load` hands back frozen values with every relative path made absolute, or complains with file and line.  Structs of
msgspec: every process of the box reads this, and the memory of a larger library would be paid for by each of them.
"""

from collections.abc import Iterator
from datetime import tzinfo
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from devices.edge.complaints import Collector, Complaint, did_you_mean
from devices.edge.toml_lines import Path_, TomlFile, read_toml


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


Port = Annotated[int, Meta(ge=1, le=65535)]


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the file."""


class Site(_Table, frozen=True, kw_only=True):
    """`fleet` and `policy` are paths; an empty policy is the one that comes with Threshold."""

    name: str = "Threshold"
    fleet: str = "fleet.toml"
    policy: str = ""


class Data(_Table, frozen=True, kw_only=True):
    """Where everything is kept, and for how long."""

    folder: str = "data"
    raw_days: Annotated[int, Meta(ge=1, le=36_500)] = 30
    incident_days: Annotated[int, Meta(ge=1, le=36_500)] = 1095


class Broker(_Table, frozen=True, kw_only=True):
    """A broker the site already has."""

    host: Annotated[str, Meta(min_length=1)]
    port: Port = 1883
    client_id: str = "threshold-gateway"
    username: str = ""
    password_file: str = ""
    ca: str = ""
    tls: bool = False
    share: str = ""


class Push(_Table, frozen=True, kw_only=True):
    """The door for platforms that push over HTTP; `listen` "" is off.  `public_url` is where a platform reaches it,
    as https://push.example.org:8443: `./threshold push` prints the addresses to give to each."""

    listen: str = ""
    certificate: str = ""
    private_key: str = ""
    public_url: str = ""
    max_connections: Annotated[int, Meta(ge=1, le=10_000)] = 200
    rate_per_platform_s: Annotated[float, Meta(gt=0, le=100_000)] = 200.0
    rate_per_address_s: Annotated[float, Meta(gt=0, le=100_000)] = 100.0


class Gateway(_Table, frozen=True, kw_only=True):
    """How devices come in: directly (`listen`, `tls_listen`; "" is off), through a broker, or both.  `name` tells this
    gateway from the others of a cluster, in what it reports about itself."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9-]{0,63}$")] = ""
    listen: str = "127.0.0.1:1883"
    tls_listen: str = ""
    certificate: str = ""
    private_key: str = ""
    client_ca: str = ""
    http: str = "127.0.0.1:18830"
    max_connections: Annotated[int, Meta(ge=1, le=100_000)] = 6000
    rate_per_device_s: Annotated[float, Meta(gt=0, le=10_000)] = 20.0
    allow_anonymous: bool = False
    broker: Broker | None = None
    push: Push = Push()


class Streams(_Table, frozen=True, kw_only=True):
    """Which runtime applies the rules."""

    runtime: Literal["local", "cluster"] = "local"
    partitions: Annotated[int, Meta(ge=1, le=1024)] = 1


class Cluster(_Table, frozen=True, kw_only=True):
    """Kafka, for `runtime = "cluster"`.  `workers` is how many of them `up` runs on this machine.  `metrics` is where a
    worker answers Prometheus; "" is nowhere.  `buffer_mb` is how much a gateway may take in while Kafka is away."""

    kafka: str = ""
    topic_prefix: str = "threshold-"
    replication: Annotated[int, Meta(ge=1, le=15)] = 1
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str = ""
    password_file: str = ""
    ca: str = ""
    certificate: str = ""
    private_key: str = ""
    store: Literal["memory", "rocksdb"] = "memory"
    standby_replicas: Annotated[int, Meta(ge=0, le=5)] = 1
    session_timeout_s: Annotated[float, Meta(ge=6, le=300)] = 8.0
    progress_timeout_s: Annotated[float, Meta(ge=10, le=3600)] = 60.0
    workers: Annotated[int, Meta(ge=0, le=64)] = 1
    buffer_mb: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    metrics: str = ""


class Sink(_Table, frozen=True, kw_only=True):
    """Where the points go; without `influx_url` into the embedded store.  `ca` signed InfluxDB's certificate, where no
    public authority did."""

    influx_url: str = ""
    org: str = "threshold"
    bucket: str = "threshold"
    token_file: str = ""
    ca: str = ""


class Desk(_Table, frozen=True, kw_only=True):
    """The screens.  `database` "" is SQLite in the data folder.  `public_url` is where people reach the desk, as
    https://desk.example.org: it stands in the links of messages.  With `certificate` it answers HTTPS alone."""

    listen: str = "127.0.0.1:8080"
    certificate: str = ""
    private_key: str = ""
    public_url: str = ""
    database: str = ""
    language: Literal["zh", "en"] = "zh"


class Pages(_Table, frozen=True, kw_only=True):
    """Where pages go besides MQTT and the desk."""

    webhook_url: str = ""
    webhook_secret_file: str = ""


class Metrics(_Table, frozen=True, kw_only=True):
    """Where each process answers Prometheus; "" is nowhere.  With `certificate` it answers TLS alone, with `client_ca`
    only who shows a certificate of that authority.  A worker of a cluster has its own: `metrics` in [cluster]."""

    gateway: str = ""
    sink: str = ""
    desk: str = ""
    certificate: str = ""
    private_key: str = ""
    client_ca: str = ""


class Settings(_Table, frozen=True, kw_only=True):
    """Everything.  Paths are absolute (or "") once `load` returned."""

    site: Site = Site()
    data: Data = Data()
    gateway: Gateway = Gateway()
    streams: Streams = Streams()
    cluster: Cluster = Cluster()
    sink: Sink = Sink()
    desk: Desk = Desk()
    pages: Pages = Pages()
    metrics: Metrics = Metrics()
    file: str = ""  # where these settings were read from

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


def zone_of(policy: Path) -> tzinfo:
    """The time zone that a policy names, or the default policy's where it leaves that row out.  Raises Complaint."""
    for path in (policy, default_policy_path()):
        file = read_toml(path)
        name = file.data.get("time_zone")
        if name is None:
            continue
        try:
            return ZoneInfo(name)
        except (TypeError, ValueError, OSError, ZoneInfoNotFoundError):
            what = f"there is no time zone {name!r}"
            raise Complaint(file.file, file.line("time_zone"), what, 'time_zone = "Asia/Shanghai"') from None
    raise Complaint(str(policy), 0, "no time_zone", 'write time_zone = "Asia/Shanghai"')


def plausible_of(policy: Path) -> tuple[float, float]:
    """Between which °C a policy takes a reading for a body's, or the default policy where it leaves a row out.

    What is no number is `check`'s to complain about, and the core does not start on it; here the next best stands.
    """
    found: dict[str, float] = {}
    for path in (policy, default_policy_path()):
        rows = read_toml(path).data.get("readings")
        for key in ("plausible_low_celsius", "plausible_high_celsius"):
            value = rows.get(key) if isinstance(rows, dict) else None
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.setdefault(key, float(value))
    return found["plausible_low_celsius"], found["plausible_high_celsius"]


_PATHS = (
    ("site", "fleet"),
    ("site", "policy"),
    ("data", "folder"),
    ("gateway", "certificate"),
    ("gateway", "private_key"),
    ("gateway", "client_ca"),
    ("gateway", "push", "certificate"),
    ("gateway", "push", "private_key"),
    ("gateway", "broker", "password_file"),
    ("gateway", "broker", "ca"),
    ("cluster", "password_file"),
    ("cluster", "ca"),
    ("cluster", "certificate"),
    ("cluster", "private_key"),
    ("sink", "token_file"),
    ("sink", "ca"),
    ("desk", "certificate"),
    ("desk", "private_key"),
    ("pages", "webhook_secret_file"),
    ("metrics", "certificate"),
    ("metrics", "private_key"),
    ("metrics", "client_ca"),
)


# (table, key) of host:port; "" is off.
_ADDRESSES = (("gateway", "listen"), ("gateway", "tls_listen"), ("gateway", "http"),
              ("gateway", "push", "listen"), ("cluster", "metrics"), ("desk", "listen"),
              ("metrics", "gateway"), ("metrics", "sink"), ("metrics", "desk"))  # fmt: skip


def load(path: str | Path) -> Settings:
    """Read the settings file at `path`.  Raises Complaint: one, or `Complaints` with all that is wrong with it."""
    file = read_toml(path)
    return from_toml(file, Path(path).resolve())


def from_toml(file: TomlFile, path: Path) -> Settings:
    """The settings that `file` holds; its relative paths are taken from the folder of `path`.  Raises Complaint."""
    into = Collector(file.file)
    read = _read(Settings, file.data, (), file, into)
    into.done()
    for address in _ADDRESSES:
        if problem := _address_problem(_at(read, address)):
            into.add(file.line(*address), f"{'.'.join(address)} {problem[0]}", problem[1])
    into.done()
    for place, what, remedy in _whole(read):
        into.add(file.line(*place), what, remedy)
    into.done()
    raw = msgspec.to_builtins(read)
    for *tables, key in _PATHS:
        here: Any = raw
        for name in tables:
            here = here and here[name]
        if here and here[key]:
            here[key] = str(path.parent / Path(here[key]).expanduser())
    raw["file"] = str(path)
    return msgspec.convert(raw, Settings)


_T = TypeVar("_T", bound=_Table)


def _read(kind: type[_T], table: dict[str, Any], where: Path_, file: TomlFile, into: Collector) -> _T:
    """The table as a `kind`; what is wrong with a key is told, and its default stands for it."""
    fields = {field.name: field for field in msgspec.structs.fields(kind) if where or field.name != "file"}
    values: dict[str, Any] = {}
    for key, value in table.items():
        at = (*where, key)
        if key not in fields:
            name = ".".join(str(part) for part in where)
            what = f"there is no key {key!r} in [{name}]" if where else f"there is no key or table {key!r} in settings"
            into.add(file.line(*at), what, did_you_mean(key, fields))
            continue
        inner = _table_of(fields[key].type)
        if inner is not None:
            if isinstance(value, dict):
                values[key] = _read(inner, value, at, file, into)
            else:
                into.add(file.line(*at), f"{key} is no table", f"write [{'.'.join(str(p) for p in at)}] above its keys")
            continue
        try:
            values[key] = msgspec.convert(value, fields[key].type)
        except msgspec.ValidationError as error:
            into.add(file.line(*at), f"{'.'.join(str(p) for p in at)} {_said(fields[key].type, error)}",
                     "see deploy/threshold.toml for every key")  # fmt: skip
    for name, field in fields.items():
        if field.required and name not in values:
            if name not in table:
                title = ".".join(str(part) for part in where)
                into.add(file.line(*where), f"[{title}] has no {name}", f"add {name} = …")
            values[name] = ""
    return kind(**values)


def _table_of(kind: Any) -> type[_Table] | None:
    """The table that a field holds, or may hold; None for a plain value."""
    for each in (kind, *get_args(kind)):
        if isinstance(each, type) and issubclass(each, _Table):
            return each
    return None


_WORDS = {"`int`": "a whole number", "`float`": "a number", "`str`": "a text", "`bool`": "true or false",
          "`object`": "a table", "`array`": "a list"}  # fmt: skip


def _said(kind: Any, error: msgspec.ValidationError) -> str:
    """What msgspec says of a value, in words of the settings file."""
    if get_origin(kind) is Literal:
        return f"must be one of {', '.join(get_args(kind))}"
    text = str(error).partition(" - at")[0].replace("Expected", "must be", 1)
    for name, word in _WORDS.items():
        text = text.replace(name, word)
    return text


def _address_problem(address: str) -> tuple[str, str] | None:
    if not address:
        return None
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        return "is not host:port", "as 127.0.0.1:1883"
    if not host:
        return "has no host", "write 0.0.0.0 for every address of this machine, 127.0.0.1 for itself alone"
    return None


def _at(read: Settings, place: tuple[str, ...]) -> Any:
    here: Any = read
    for name in place:
        here = getattr(here, name)
    return here


def _whole(read: Settings) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What several keys together must be: (where, what is wrong, what to do)."""
    gateway, cluster = read.gateway, read.cluster
    if gateway.tls_listen and not (gateway.certificate and gateway.private_key):
        yield ("gateway", "tls_listen"), "tls_listen needs certificate and private_key", "name both files"
    if not gateway.http or not is_loopback(gateway.http):
        yield ("gateway", "http"), "http is the door of this machine's own processes", "keep it on 127.0.0.1"
    push = gateway.push
    if bool(push.certificate) != bool(push.private_key):
        yield ("gateway", "push"), "certificate and private_key belong together", "name both files"
    if push.listen and not push.certificate and not is_loopback(push.listen):
        yield (
            ("gateway", "push", "listen"),
            "push.listen is open to the network and has no certificate",
            "name certificate and private_key, or keep it on 127.0.0.1 behind a proxy that does TLS",
        )
    if push.public_url and not push.public_url.startswith(("https://", "http://")):
        yield ("gateway", "push", "public_url"), "public_url is no address", "as https://push.example.org:8443"
    # In a cluster a desk has a gateway beside it that is nothing but its door.
    ways_in = (gateway.listen, gateway.tls_listen, gateway.broker, push.listen)
    if not (any(ways_in) or read.streams.runtime == "cluster"):
        yield ("gateway",), "there is no way in", "set listen or tls_listen, or add [gateway.broker]"
    if read.streams.runtime == "cluster" and not cluster.kafka:
        yield ("streams", "runtime"), 'runtime = "cluster" needs kafka', "add it to [cluster]"
    if bool(cluster.certificate) != bool(cluster.private_key):
        yield ("cluster",), "certificate and private_key belong together", "name both files"
    if cluster.security_protocol.startswith("SASL") and not (cluster.username and cluster.password_file):
        yield (
            ("cluster", "security_protocol"),
            f"security_protocol {cluster.security_protocol} needs username and password_file",
            "add both",
        )
    for table, pair in (("desk", read.desk), ("metrics", read.metrics)):
        if bool(pair.certificate) != bool(pair.private_key):
            yield (table,), "certificate and private_key belong together", "name both files"
    if read.metrics.client_ca and not read.metrics.certificate:
        yield ("metrics", "client_ca"), "client_ca needs certificate and private_key", "name both files"
    if read.sink.influx_url and not read.sink.token_file:
        yield ("sink", "influx_url"), "influx_url needs token_file", "name the file that holds the token"
    if read.desk.public_url and not read.desk.public_url.startswith(("https://", "http://")):
        yield ("desk", "public_url"), "public_url is no address", "write it as https://desk.example.org"
