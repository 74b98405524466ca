"""The settings file: defaults, paths from the file's own folder, complaints with their line."""

import tomllib
from zoneinfo import ZoneInfo

import msgspec
import pytest

from devices.edge.complaints import Complaint
from devices.edge.settings import Settings, default_policy_path, is_loopback, load, plausible_of, split_address, zone_of


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "threshold.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_an_empty_file_is_one_box_with_the_direct_listener(written, tmp_path):
    settings = load(written(""))
    assert settings.gateway.listen == "127.0.0.1:1883"
    assert settings.gateway.broker is None
    assert settings.fleet_path == tmp_path / "fleet.toml"
    assert settings.data_path == tmp_path / "data"
    assert settings.policy_path.name == "policy.toml"
    assert (settings.streams.runtime, settings.streams.partitions) == ("local", 1)
    assert settings.file == str(tmp_path / "threshold.toml")


def test_in_a_cluster_a_gateway_may_be_nothing_but_a_door(written):
    text = "[gateway]\nlisten = ''\nname = 'desk'\n[streams]\nruntime = 'cluster'\n[cluster]\nkafka = 'k:9092'\n"
    settings = load(written(text))
    assert (settings.gateway.listen, settings.gateway.name) == ("", "desk")
    assert (settings.cluster.workers, settings.cluster.buffer_mb) == (1, 0)


def test_relative_paths_are_taken_from_the_file(written, tmp_path):
    settings = load(
        written(
            '[site]\nfleet = "a/f.toml"\npolicy = "/p.toml"\n[data]\nfolder = "d"\n'
            '[gateway.broker]\nhost = "h"\npassword_file = "pw"\n'
        )
    )
    assert settings.fleet_path == tmp_path / "a/f.toml"
    assert str(settings.policy_path) == "/p.toml"
    assert settings.data_path == tmp_path / "d"
    assert settings.gateway.broker is not None
    assert settings.gateway.broker.password_file == str(tmp_path / "pw")
    assert settings.gateway.broker.ca == ""


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("[gatewy]\n", 1, "there is no key or table 'gatewy'"),
        ("[gateway]\nlisten = 1\n", 2, "gateway.listen"),
        ("[gateway]\nlisen = 1\n", 2, "there is no key 'lisen' in [gateway]"),
        ("[gateway]\nlisten = '1883'\n", 2, "is not host:port"),
        ("[gateway]\nlisten = ':1883'\n", 2, "has no host"),
        ("[gateway.push]\nlisten = '8443'\n", 2, "gateway.push.listen is not host:port"),
        ("[gateway.push]\nlisten = '0.0.0.0:8443'\n", 2, "open to the network and has no certificate"),
        ("[gateway.push]\ncertificate = 'c.pem'\n", 1, "certificate and private_key belong together"),
        ("[gateway.push]\npublic_url = 'push.example.org'\n", 2, "public_url is no address"),
        ("[gateway.push]\nrate_per_address_s = 0\n", 2, "gateway.push.rate_per_address_s"),
        ("[gateway]\nlisten = ''\n[gateway.push]\n", 1, "there is no way in"),
        ("[gateway]\nlisten = 'h:99999'\n", 2, "is not host:port"),
        ("[gateway]\nmax_connections = '3'\n", 2, "gateway.max_connections must be a whole number, got a text"),
        ("[gateway]\nmax_connections = 0\n", 2, "gateway.max_connections"),
        ("[gateway]\nrate_per_device_s = nan\n", 2, "gateway.rate_per_device_s"),
        ("[gateway]\nallow_anonymous = 1\n", 2, "gateway.allow_anonymous"),
        ("[site]\n[gateway]\ntls_listen = '0.0.0.0:8883'\n", 3, "tls_listen needs certificate"),
        ("[gateway]\nlisten = ''\n", 1, "no way in"),
        ("[gateway]\nname = 'Tor 5'\n", 2, "gateway.name"),
        ("[cluster]\nworkers = -1\n", 2, "cluster.workers"),
        ("[gateway]\nhttp = '0.0.0.0:18830'\n", 2, "http is the door of this machine's own"),
        ("[gateway.broker]\nport = 1883\n", 1, "[gateway.broker] has no host"),
        ("[gateway.broker]\nhost = 'h'\nport = 0\n", 3, "gateway.broker.port"),
        ("[streams]\nruntime = 'both'\n", 2, "streams.runtime must be one of local, cluster"),
        ("[streams]\nruntime = 'cluster'\n", 2, "needs kafka"),
        ("[sink]\ninflux_url = 'http://h'\n", 2, "influx_url needs token_file"),
        ("[data]\nraw_days = 0\n", 2, "data.raw_days"),
        ("file = 'x'\n", 1, "there is no key or table 'file'"),
        ("site = 3\n", 1, "site is no table"),
        ("[gateway.broker]\nhost = ''\n", 2, "gateway.broker.host must be a text of length"),
        ("[desk]\npublic_url = 'desk'\n", 2, "public_url is no address"),
        ("[cluster]\ncertificate = 'c'\n", 1, "belong together"),
        ("[cluster]\nsecurity_protocol = 'SASL_SSL'\n", 2, "needs username"),
        ("[gateway\n", 1, "is no TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(written, text, line, what):
    with pytest.raises(Complaint) as raised:
        load(written(text))
    assert [(c.line, what in c.what) for c in raised.value.each()] == [(line, True)]


def test_every_mistake_is_told_at_once(written):
    with pytest.raises(Complaint) as raised:
        load(written("[gateway]\nlisten = 1\nlisen = 2\n[desk]\nlanguage = 'fr'\n"))
    assert [c.line for c in raised.value.each()] == [2, 3, 5]


def test_a_whole_number_is_a_rate(written):
    assert load(written("[gateway]\nrate_per_device_s = 20\n")).gateway.rate_per_device_s == 20.0


@pytest.mark.parametrize(
    ("address", "host", "port", "loopback"),
    [
        ("127.0.0.1:1883", "127.0.0.1", 1883, True),
        ("[::1]:80", "::1", 80, True),
        ("localhost:1", "localhost", 1, True),
        ("0.0.0.0:1883", "0.0.0.0", 1883, False),
        ("gate.example:1883", "gate.example", 1883, False),
    ],
)
def test_an_address_in_its_parts(address, host, port, loopback):
    assert split_address(address) == (host, port)
    assert is_loopback(address) is loopback


def test_the_example_shows_the_defaults():
    path = default_policy_path().with_name("threshold.toml")
    example, defaults = msgspec.to_builtins(load(path)), msgspec.to_builtins(Settings())
    for table, keys in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for key, value in keys.items():
            assert value == defaults[table][key], (table, key)
    # What it leaves out is only what a cluster needs.
    assert set(example) == set(defaults)
    assert set(defaults["gateway"]) == set(tomllib.loads(path.read_text(encoding="utf-8"))["gateway"]) | {"broker"}


def test_the_zone_is_the_policys_or_the_defaults(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('time_zone = "Europe/Berlin"\n')
    assert zone_of(policy) == ZoneInfo("Europe/Berlin")
    policy.write_text("[doors]\nleft_open_min = 7\n")
    assert zone_of(policy) == ZoneInfo("Asia/Shanghai")
    for text in ('time_zone = "Nowhere/Land"\n', "time_zone = 8\n", "= \n"):
        policy.write_text(text)
        with pytest.raises(Complaint):
            zone_of(policy)


def test_the_push_door_may_be_the_only_way_in_and_has_its_paths(written, tmp_path):
    settings = load(
        written(
            '[gateway]\nlisten = ""\n[gateway.push]\nlisten = "0.0.0.0:8443"\ncertificate = "c.pem"\n'
            'private_key = "k.pem"\n'
        )
    )
    assert settings.gateway.push.certificate == str(tmp_path / "c.pem")
    assert settings.gateway.push.private_key == str(tmp_path / "k.pem")
    assert load(written('[gateway.push]\nlisten = "127.0.0.1:8080"\n')).gateway.push.certificate == ""


def test_what_a_body_can_have_is_the_policys_and_else_the_defaults(tmp_path):
    policy = tmp_path / "p.toml"
    assert plausible_of(default_policy_path()) == (35.0, 42.5)
    policy.write_text("[readings]\nplausible_low_celsius = 34\n")
    assert plausible_of(policy) == (34.0, 42.5)
    policy.write_text('[readings]\nplausible_high_celsius = "hot"\n')
    assert plausible_of(policy) == (35.0, 42.5)
    policy.write_text("readings = 3\n")
    assert plausible_of(policy) == (35.0, 42.5)
