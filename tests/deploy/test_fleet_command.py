"""`fleet add` and `fleet list`."""

import stat
from hashlib import sha256

import pytest

from deploy.fleet_command import add, add_bridge, add_platform, list_devices
from devices.edge.fleet_file import load


@pytest.fixture
def file(tmp_path):
    return tmp_path / "fleet.toml"


def test_a_door_is_added_with_a_secret_shown_once_and_kept_hashed(file, capsys):
    assert add(fleet=file, device="door-1", household="g017/3/1203", report_every_s=3600) == 0
    said = capsys.readouterr().out
    secret = said.split("password", 1)[1].split()[0]
    device = load(file).devices["door-1"]
    assert device.secret_sha256 == sha256(secret.encode()).hexdigest()
    assert (device.topic, device.place, device.report_every_s) == ("threshold/g017/door-1", "g017/3/1203", 3600.0)
    assert secret not in file.read_text()
    assert len(secret) >= 24


def test_two_secrets_differ(file, capsys):
    add(fleet=file, device="a", household="g017/3/1")
    add(fleet=file, device="b", household="g017/3/2")
    devices = load(file).devices
    assert devices["a"].secret_sha256 != devices["b"].secret_sha256


@pytest.mark.parametrize(
    ("format", "topic"),
    [
        ("native", "threshold/g017/x"),
        ("zigbee2mqtt", "zigbee2mqtt/x"),
        ("tasmota", "x"),
        ("shelly-gen1", "shellies/x"),
    ],
)
def test_a_topic_is_made_from_the_id(file, format, topic):
    open_is = "ON" if format == "tasmota" else ""
    assert add(fleet=file, device="x", format=format, household="g017/3/1", direct=False, open_is=open_is) == 0
    device = load(file).devices["x"]
    assert (device.topic, device.secret_sha256) == (topic, "")


def test_what_open_means_is_never_guessed(file, capsys):
    assert add(fleet=file, device="x", format="tasmota", household="g017/3/1", direct=False) == 1
    assert "open_is" in capsys.readouterr().err
    assert not file.exists() or "tasmota" not in file.read_text()
    assert add(fleet=file, device="x", format="tasmota", household="g017/3/1", direct=False, open_is="OFF") == 0
    assert load(file).devices["x"].open_is == "OFF"


def test_a_gun_and_a_spare_sensor(file):
    assert add(fleet=file, device="gun", checkpoint="g017/north") == 0
    assert add(fleet=file, device="spare", format="zigbee2mqtt", direct=False) == 0
    fleet = load(file)
    assert fleet.devices["gun"].topic == "threshold/g017/gun/temperature"
    assert fleet.devices["spare"].where == "pool"


def test_what_was_written_by_hand_stays_as_it_was(file):
    by_hand = '# our fleet\n[[device]]\nid = "a"   # the first\nformat = "native"\ntopic = "t"\nhousehold = "g017/3/1"'
    file.write_text(by_hand)
    file.chmod(0o640)
    assert add(fleet=file, device="b", household="g017/3/2") == 0
    assert file.read_text().startswith(by_hand + "\n\n[[device]]\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"device": "a", "household": "g017/3/2"}, "'a' is taken"),
        ({"device": "b", "household": "g017"}, "not grid/building/unit"),
        ({"device": "b", "household": "g017/3/2", "topic": "threshold/g017/a"}, "on the topic"),
        ({"device": "b", "household": "g017/3/2", "format": "nativ"}, "did you mean 'native'?"),
    ],
)
def test_a_mistake_leaves_the_file_as_it_was(file, capsys, wanted, complaint):
    add(fleet=file, device="a", household="g017/3/1")
    before = file.read_bytes()
    assert add(fleet=file, **wanted) == 1
    assert complaint in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_file_that_is_wrong_already_is_not_added_to(file, capsys):
    file.write_text("[[devcie]]\n")
    assert add(fleet=file, device="a", household="g017/3/1") == 1
    assert file.read_text() == "[[devcie]]\n"


def test_the_list_shows_place_and_case(file, capsys):
    add(fleet=file, device="a", household="g017/3/1203")
    add(fleet=file, device="b", household="g017/3/1204", direct=False)
    with file.open("a") as more:
        more.write('[[case]]\nhousehold = "g017/3/1203"\nfrom = "2020-02-10T00:00:00+08:00"\n'
                   'until = "2020-02-24T00:00:00+08:00"\n')  # fmt: skip
    capsys.readouterr()
    assert list_devices(file) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split() == [
        "a",
        "native",
        "g017/3/1203",
        "threshold/g017/a",
        "directly",
        "2020-02-24T00:00:00+08:00",
    ]
    assert rows[2].split()[-3:] == ["by", "a", "broker"]


def test_a_list_of_a_wrong_file_complains(file, capsys):
    file.write_text("x = 1\n")
    assert list_devices(file) == 1
    assert "there is no table 'x'" in capsys.readouterr().err


def test_a_bridge_is_added_with_a_secret_of_its_own(file, capsys):
    z2m = {"fleet": file, "bridge": "z2m-17", "grid": "g017", "topic": "zigbee2mqtt/bridge/state"}
    assert add_bridge(**z2m, devices="zigbee2mqtt/", report_every_s=600) == 0
    secret = capsys.readouterr().out.split("password", 1)[1].split()[0]
    bridge = load(file).bridges["z2m-17"]
    assert bridge.secret_sha256 == sha256(secret.encode()).hexdigest()
    assert (bridge.devices, bridge.report_every_s) == ("zigbee2mqtt/", 600.0)
    assert secret not in file.read_text()
    assert add_bridge(**z2m) == 1
    assert "'z2m-17' is taken" in capsys.readouterr().err


def test_a_bridge_behind_a_broker_has_no_secret(file, capsys):
    assert add_bridge(fleet=file, bridge="z", grid="g017", topic="z/state", direct=False) == 0
    assert load(file).bridges["z"].secret_sha256 == ""
    assert "password" not in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["ctwing", "ttn", "chirpstack", "shelly"])
def test_a_platform_is_added_with_a_key_shown_once(file, capsys, kind):
    assert add_platform(fleet=file, platform=f"{kind}-1", kind=kind) == 0
    key = capsys.readouterr().out.split("key", 1)[1].split()[0]
    platform = load(file).platforms[f"{kind}-1"]
    assert platform.secret_sha256 == sha256(key.encode()).hexdigest()
    assert platform.topic == f"push/{kind}-1"
    assert key not in file.read_text()


def test_onenet_has_a_token_instead_of_a_key(file, capsys):
    assert add_platform(fleet=file, platform="o", kind="onenet") == 1
    assert "OneNET signs with a token" in capsys.readouterr().err
    assert add_platform(fleet=file, platform="o", kind="onenet", token_file="o.token") == 0
    assert load(file).platforms["o"].token_file.endswith("o.token")
    told = capsys.readouterr()
    assert told.out == ""
    assert f"Put the token into {file.parent / 'o.token'}" in told.err
    (file.parent / "p.token").write_text("a token\n")
    assert add_platform(fleet=file, platform="p", kind="onenet", token_file="p.token") == 0
    assert "Put the token" not in capsys.readouterr().err


def test_a_kind_nobody_knows(file, capsys):
    assert add_platform(fleet=file, platform="x", kind="azure") == 2
    assert "kind 'azure' is not known: ctwing, onenet" in capsys.readouterr().err
    assert not file.exists()


def test_the_list_says_how_each_comes_in(file, capsys):
    add_bridge(fleet=file, bridge="z2m", grid="g017", topic="zigbee2mqtt/bridge/state", devices="zigbee2mqtt/")
    add_platform(fleet=file, platform="ct", kind="ctwing")
    add(fleet=file, device="a", household="g017/3/1", format="zigbee2mqtt", direct=False)
    add(fleet=file, device="b", household="g017/3/2", format="ctwing", topic="push/ct", direct=False)
    capsys.readouterr()
    assert list_devices(file) == 0
    ways = {row.split()[0]: row for row in capsys.readouterr().out.splitlines()}
    assert ways["a"].rstrip().endswith("by z2m")
    assert ways["b"].rstrip().endswith("by ct")
    assert ways["z2m"].rstrip().endswith("directly")
    assert ways["ct"].rstrip().endswith("pushes over HTTP")
