"""An independent codec reads what we write, writes it anew, and we read the same: mqtt-packet, inside mqtt.js."""

import json
import subprocess
from pathlib import Path

import msgspec
import pytest

from gateway.mqtt.events import Published
from gateway.mqtt.packets import V5, build, parse
from gateway.mqtt.wire import find_packet
from tests import servers
from tests.gateway.mqtt.vectors import VECTORS

pytestmark = pytest.mark.live
SCRIPT = Path(__file__).with_name("through_mqtt_packet.js")

# What mqtt-packet cannot do, though the standard allows it.
LIMITS_OF_ITS_OWN = {
    "connect 5, a password without a user name",  # it wants a user name
    "auth 5",  # it wants a reason code, which 3.15.2.1 lets be left out
}


def through_mqtt_packet(packets: list[tuple[int, bytes]]) -> list[dict[str, str]]:
    node = servers.find("node")
    package = servers.cache() / "npm" / "node_modules" / "mqtt-packet"
    if node is None or not package.is_dir():
        raise servers.Missing("node with mqtt of npm")
    lines = "\n".join(json.dumps({"version": version, "hex": data.hex()}) for version, data in packets)
    told = subprocess.run(
        [str(node), str(SCRIPT), str(package)], input=lines, capture_output=True, text=True, check=True, timeout=60
    )
    answers = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(answers) == len(packets)
    return answers


def plain(packet):
    """Without the order of properties, which means nothing but among a user's own of one name."""
    values = msgspec.structs.asdict(packet)
    if isinstance(will := values.get("will"), msgspec.Struct):
        values["will"] = plain(will)
    return values | {"properties": sorted(values.get("properties", ()), key=repr)}


def test_every_packet_means_the_same_to_it():
    names = [name for name in VECTORS if name not in LIMITS_OF_ITS_OWN]
    written = [(VECTORS[name][0], build(VECTORS[name][2], VECTORS[name][0])) for name in names]
    answers = through_mqtt_packet(written)
    for name, (version, data), answer in zip(names, written, answers, strict=True):
        assert "error" not in answer, (name, data.hex(), answer)
        again = bytes.fromhex(answer["hex"])
        body, end = find_packet(again, 0, 1 << 20, version == V5)
        assert end == len(again)
        meaning = VECTORS[name][2]
        assert type(parse(again[0], again[body:end], version)) is type(meaning), name
        assert plain(parse(again[0], again[body:end], version)) == plain(meaning), name


def test_it_refuses_what_a_codec_must_refuse():
    """The harness itself: were it not to look, this would pass too."""
    broken = [(V5, bytes.fromhex("3603000161")), (V5, bytes.fromhex("c100")), (4, bytes.fromhex("60020001"))]
    assert all("error" in answer for answer in through_mqtt_packet(broken))
    (answer,) = through_mqtt_packet([(4, build(Published("a", b"x", 1, 5, False, True, ()), 4))])
    assert answer["hex"] == "33060001610005" + b"x".hex()
