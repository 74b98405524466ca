"""What `up` says about Kafka, InfluxDB and PostgreSQL before anything starts: one sentence each, with its remedy."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import engines, environment, onebox
from devices.edge.complaints import Complaint
from devices.edge.settings import Settings, load
from streams.edge import topics
from tests.servers import Authority, Influxd, Kafka, Postgresql
from tests.servers.process import free_port


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], Settings]:
    def write(text: str) -> Settings:
        path = tmp_path / "threshold.toml"
        path.write_text(text)
        return load(path)

    return write


def on_kafka(url: str, prefix: str = "engines-", partitions: int = 2, more: str = "") -> str:
    return (
        f'[streams]\nruntime = "cluster"\npartitions = {partitions}\n'
        f'[cluster]\nkafka = "{url}"\ntopic_prefix = "{prefix}"\n{more}'
    )


def the_one(found: tuple[list[Complaint], list[str]]) -> tuple[str, str, int]:
    [complaint] = found[0]
    return complaint.what, complaint.remedy, complaint.line


# ── which packages, which processes ──


def test_one_box_has_nothing_to_ask(site):
    assert engines.check(site("")) == ([], [])


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("", False),
        (on_kafka("k:9092"), True),
        ('[desk]\ndatabase = "postgresql://u@h/d"\n', True),
        ('[desk]\ndatabase = "desk.db"\n', False),
    ],
)
def test_a_cluster_needs_more_packages(site, monkeypatch, text, more):
    asked: list[str] = []
    monkeypatch.setattr(environment, "ensure", asked.append)
    assert engines.ensure(Path(site(text).file)) == 0
    assert asked == (["cluster"] if more else [])


def test_packages_that_cannot_be_had_are_said(site, monkeypatch, capsys):
    def lacking(_layer: str) -> None:
        raise environment.Incomplete("no network")

    monkeypatch.setattr(environment, "ensure", lacking)
    assert engines.ensure(Path(site(on_kafka("k:9092")).file)) == 3
    assert "no network" in capsys.readouterr().err


def test_a_file_with_a_mistake_is_left_to_whoever_reads_it_next(tmp_path):
    (tmp_path / "threshold.toml").write_text("[streams]\nruntime = 7\n")
    assert engines.ensure(tmp_path / "threshold.toml") == 0


def test_the_workers_of_a_machine_are_processes_of_their_own(site):
    plan = onebox.plan_for(site(on_kafka("k:9092", more="workers = 3\n")))
    assert [row["name"] for row in plan["processes"]] == [
        "gateway", "streams", "streams-2", "streams-3", "sink", "desk",
    ]  # fmt: skip
    assert [row["argv"][-2:] for row in plan["processes"]][2:4] == [["--worker", "2"], ["--worker", "3"]]
    assert plan["processes"][2]["argv"][3] == "streams"


# ── Kafka ──


def test_a_kafka_that_is_as_it_should_be(site, kafka: Kafka):
    prefix = f"engines{time.time_ns()}-"
    assert engines.check(site(on_kafka(kafka.url, prefix))) == ([], [])


def test_a_wrong_address_of_kafka(site):
    what, remedy, line = the_one(engines.check(site(on_kafka(f"127.0.0.1:{free_port()}"))))
    assert "does not answer as Kafka" in what
    assert "mend kafka" in remedy
    assert line == 5


def test_topics_with_other_partitions(site, kafka: Kafka):
    prefix = f"engines{time.time_ns()}-"
    assert engines.check(site(on_kafka(kafka.url, prefix, partitions=2))) == ([], [])
    what, remedy, _ = the_one(engines.check(site(on_kafka(kafka.url, prefix, partitions=5))))
    assert what == f"topic {prefix}inbox has 2 partitions and the settings say 5"
    assert "set partitions = 2 in [streams]" in remedy


class Later:
    """`time` with a clock that is ahead."""

    def __init__(self, by_s: float) -> None:
        self.by_s = by_s

    def time(self) -> float:
        return time.time() + self.by_s

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def test_a_clock_that_is_not_the_brokers(site, kafka: Kafka, monkeypatch):
    monkeypatch.setattr(topics, "time", Later(60))
    what, remedy, _ = the_one(engines.check(site(on_kafka(kafka.url, f"engines{time.time_ns()}-"))))
    # As far at least: what it took to ask is not counted.
    found = re.fullmatch(r"the broker's clock is (\d+) s behind this machine's", what)
    assert found is not None, what
    assert 30 <= int(found[1]) <= 60
    assert "time server" in remedy


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Kafka]:
    server = Kafka(tmp_path_factory.mktemp("secure-kafka"), authority=authority, passwords={"threshold": "right"})
    server.start()
    yield server
    server.stop()


def secured(site: Any, server: Kafka, password: str = "right", ca: str = "", protocol: str = "SASL_SSL") -> Settings:
    read = site("")
    (Path(read.file).parent / "password").write_text(password)
    return site(
        on_kafka(
            server.url,
            f"engines{time.time_ns()}-",
            more=f'security_protocol = "{protocol}"\nusername = "threshold"\npassword_file = "password"\nca = "{ca}"\n',
        )
    )


@pytest.mark.live
def test_a_kafka_with_tls_and_passwords(site, secure: Kafka, authority: Authority):
    assert engines.check(secured(site, secure, ca=str(authority.certificate))) == ([], [])


@pytest.mark.live
def test_a_wrong_password_of_kafka(site, secure: Kafka, authority: Authority):
    what, remedy, line = the_one(engines.check(secured(site, secure, "wrong", str(authority.certificate))))
    assert what == f"username: {secure.url} does not let 'threshold' in by this password"
    assert "password_file" in remedy
    assert line == 9


@pytest.mark.live
def test_an_authority_that_is_not_trusted(site, secure: Kafka):
    what, remedy, _ = the_one(engines.check(secured(site, secure)))
    assert f"the certificates of {secure.url} and ours do not fit" in what
    assert "as ca" in remedy


@pytest.mark.live
def test_no_tls_where_kafka_wants_it(site, secure: Kafka):
    what, remedy, _ = the_one(engines.check(secured(site, secure, protocol="SASL_PLAINTEXT")))
    assert "does not answer as Kafka" in what
    assert "security_protocol" in remedy


# ── InfluxDB ──


def on_influx(url: str, folder: Path, token: str, bucket: str = "engines", org: str = "threshold") -> str:
    (folder / "token").write_text(token)
    return f'[sink]\ninflux_url = "{url}"\ntoken_file = "token"\nbucket = "{bucket}"\norg = "{org}"\n'


def test_an_influxdb_that_is_as_it_should_be(site, influxd: Influxd, tmp_path):
    assert engines.check(site(on_influx(influxd.url, tmp_path, influxd.token))) == ([], [])


def test_a_wrong_token_of_influxdb(site, influxd: Influxd, tmp_path):
    what, _, line = the_one(engines.check(site(on_influx(influxd.url, tmp_path, "no such token"))))
    assert "it does not know the token: put a valid one into the file named by token_file" in what
    assert line == 3


def test_a_bucket_that_is_missing_and_that_the_token_may_not_make(site, influxd: Influxd, tmp_path):
    org = influxd.request("GET", f"/api/v2/orgs?org={influxd.org}")["orgs"][0]["id"]
    may = [
        {"action": "read", "resource": {"type": "buckets", "orgID": org}},
        {"action": "read", "resource": {"type": "orgs", "id": org}},
    ]
    made = influxd.request("POST", "/api/v2/authorizations", {"orgID": org, "permissions": may})
    what, _, _ = the_one(engines.check(site(on_influx(influxd.url, tmp_path, made["token"], bucket="not-there"))))
    assert "the bucket 'not-there-raw' is missing and could not be made" in what
    assert "give the token the right to" in what


def test_an_influxdb_that_is_away_stops_nothing(site, tmp_path):
    complaints, [note] = engines.check(site(on_influx(f"http://127.0.0.1:{free_port()}", tmp_path, "t")))
    assert complaints == []
    assert "does not answer as InfluxDB" in note
    assert "points are kept" in note


def test_a_clock_that_is_not_influxdbs(site, influxd: Influxd, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "time", Later(-90))
    what, remedy, line = the_one(engines.check(site(on_influx(influxd.url, tmp_path, influxd.token))))
    assert what.startswith("the clock of InfluxDB is ")
    assert what.endswith(" s ahead of this machine's")
    assert "time server" in remedy
    assert line == 2


class Held:
    """`time` of a machine that is held up for half a minute between two looks at its clock."""

    def __init__(self) -> None:
        self.looks = 0

    def time(self) -> float:
        self.looks += 1
        return time.time() - (30.0 if self.looks == 1 else 0.0)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def test_an_answer_that_took_long_is_no_clock_that_is_wrong(
    site, influxd: Influxd, postgresql: Postgresql, tmp_path, monkeypatch
):
    for text in (on_influx(influxd.url, tmp_path, influxd.token), f'[desk]\ndatabase = "{postgresql.url}"\n'):
        held = Held()
        monkeypatch.setattr(engines, "time", held)
        assert engines.check(site(text)) == ([], [])
        assert held.looks == 2


# ── PostgreSQL ──


def test_a_postgresql_that_is_as_it_should_be(site, postgresql: Postgresql):
    url = postgresql.make_database(f"engines{time.time_ns()}")
    assert engines.check(site(f'[desk]\ndatabase = "{url}"\n')) == ([], [])


def test_a_postgresql_that_is_not_there(site):
    url = f"postgresql://threshold:secret@127.0.0.1:{free_port()}/desk"
    what, remedy, line = the_one(engines.check(site(f'[desk]\ndatabase = "{url}"\n')))
    assert "cannot be used: " in what
    assert "secret" not in what
    assert "mend database in [desk]" in remedy
    assert line == 2


def test_a_database_that_is_not_there(site, postgresql: Postgresql):
    what, _, _ = the_one(engines.check(site(f'[desk]\ndatabase = "{postgresql.url_of("nowhere")}"\n')))
    assert 'database "nowhere" does not exist' in what


def test_a_clock_that_is_not_postgresqls(site, postgresql: Postgresql, monkeypatch):
    monkeypatch.setattr(engines, "time", Later(60))
    what, _, _ = the_one(engines.check(site(f'[desk]\ndatabase = "{postgresql.url}"\n')))
    assert what.startswith("the clock of PostgreSQL is ")
    assert what.endswith(" s behind this machine's")
