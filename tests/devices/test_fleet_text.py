"""A fleet written as text reads back as the same fleet."""

import tomllib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from devices.edge.fleet_file import parse
from devices.edge.toml_lines import TomlFile
from devices.fleet import Bridge, Case, Device, Fleet, Platform, Subscriber
from devices.fleet_text import fleet_text, quoted
from devices.formats import table
from devices.simulator import Compound, Plan


def read_back(fleet):
    return parse(TomlFile("fleet.toml", "".join(fleet_text(fleet))), table())


def without_lines(fleet):
    return Fleet(
        devices={k: msgspec.structs.replace(v, line=0) for k, v in fleet.devices.items()},
        bridges={k: msgspec.structs.replace(v, line=0) for k, v in fleet.bridges.items()},
        cases=tuple(msgspec.structs.replace(v, line=0) for v in fleet.cases),
        subscribers={k: msgspec.structs.replace(v, line=0) for k, v in fleet.subscribers.items()},
        platforms={k: msgspec.structs.replace(v, line=0) for k, v in fleet.platforms.items()},
    )


def test_everything_a_fleet_can_say_comes_back():
    tasmota = Device(
        id="a",
        format="tasmota",
        topic='板 "1"',
        where="household",
        place="g017/3/1203",
        grid="g017",
        report_every_s=3600.5,
        open_is="ON",
        secret_sha256="ab" * 32,
        options={"full_topic": "%topic%/%prefix%"},
    )
    gun = Device(id="b", format="native", topic="t", where="checkpoint", place="g017/north", grid="g017", site="ear")
    spare = Device(id="c", format="aqara", topic="u", where="pool", place="pool", address="158d")
    fleet = Fleet(
        devices={device.id: device for device in (tasmota, gun, spare)},
        bridges={
            "z": Bridge(
                id="z", topic="z/state", grid="g017", devices="z/", report_every_s=60.0, secret_sha256="ef" * 32
            )
        },
        cases=(Case(household="g017/3/1203", from_ms=1, until_ms=86_400_001, visits=True, wellbeing_call_min=570),),
        subscribers={"s": Subscriber(id="s", grid="g017", roles=("police", "worker"), secret_sha256="cd" * 32)},
        platforms={
            "p": Platform(id="p", kind="ttn", topic="push/p", secret_sha256="ab" * 32),
            "o": Platform(id="o", kind="onenet", topic="push/o", token_file="/s/token", aes_key_file="/s/key"),
        },
    )
    assert without_lines(read_back(fleet)) == fleet


def test_a_simulated_compound_comes_back():
    fleet = Compound(Plan(households=150, pace=240)).fleet()
    assert without_lines(read_back(fleet)) == fleet


@given(st.text())
def test_any_text_is_quoted_so_that_it_comes_back(text):
    if not any(0xD800 <= ord(sign) <= 0xDFFF for sign in text):
        assert tomllib.loads(f"a = {quoted(text)}") == {"a": text}
