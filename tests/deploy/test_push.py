"""`./threshold push`: what to enter at each platform.  That the door answers is tried in tests/live/test_pushes.py."""

import pytest

from deploy.push import base_of, main, told
from devices.edge.settings import Push
from devices.fleet import Platform
from tests.servers.process import free_port

HASHED = "ab" * 32


def row(kind: str) -> Platform:
    return Platform(id=f"{kind}-1", kind=kind, topic=f"push/{kind}", secret_sha256=HASHED, token_file="o.token")


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("ctwing", ["https://x/push/ctwing-1/a%2Fb"]),
        ("onenet", ["https://x/push/onenet-1", "o.token"]),
        ("ttn", ["https://x/push/ttn-1", "X-Threshold-Key: a/b"]),
        ("chirpstack", ["https://x/push/chirpstack-1", "X-Threshold-Key: a/b"]),
        ("shelly", ["https://x/push/shelly-1/a%2Fb/DEVICE/open", "bthomesensor:200?value=${ev.value}"]),
    ],
)
def test_what_to_enter_at_a_platform(kind, holds):
    text = "\n".join(told(row(kind), "https://x", "a/b"))
    assert all(part in text for part in holds), text


@pytest.mark.parametrize(
    ("push", "base"),
    [
        (Push(), "https://YOUR-ADDRESS"),
        (Push(listen="0.0.0.0:8443", certificate="c"), "https://YOUR-ADDRESS:8443"),
        (Push(listen="127.0.0.1:8080"), "http://127.0.0.1:8080"),
        (Push(listen="[2001:db8::1]:8443", certificate="c"), "https://[2001:db8::1]:8443"),
        (Push(listen="0.0.0.0:8443", public_url="https://push.example.org/"), "https://push.example.org"),
    ],
)
def test_where_platforms_reach_the_door(push, base):
    assert base_of(push) == base


@pytest.fixture
def site(tmp_path):
    def write(fleet: str, settings: str = ""):
        (tmp_path / "fleet.toml").write_text(fleet)
        (tmp_path / "t.toml").write_text(settings)
        return tmp_path / "t.toml"

    return write


ROW = f'[[platform]]\nid = "ttn-1"\nkind = "ttn"\ntopic = "push/ttn"\nsecret_sha256 = "{HASHED}"\n'


def test_a_fleet_without_platforms_tells_how_to_add_one(site, capsys):
    assert main(site("")) == 0
    assert "fleet add --platform" in capsys.readouterr().out


def test_a_door_that_is_off_is_said(site, capsys):
    assert main(site(ROW)) == 0
    assert main(site(ROW), attempt=True) == 1
    assert "the push door is off" in capsys.readouterr().err


def test_a_platform_nobody_knows(site, capsys):
    assert main(site(ROW), "other") == 2
    assert "no platform 'other'" in capsys.readouterr().err


def test_a_fleet_with_a_mistake_is_complained_about(site, capsys):
    assert main(site(ROW + "x = 1\n")) == 2
    assert "fleet.toml:6" in capsys.readouterr().err


def test_a_door_that_does_not_answer_is_said(site, capsys):
    config = site(ROW, f'[gateway.push]\nlisten = "127.0.0.1:{free_port()}"\n')
    assert main(config, attempt=True) == 1
    assert "NO   the door at http://127.0.0.1:" in capsys.readouterr().out
