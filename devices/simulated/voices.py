"""How the sensors of four vendors say that a door moved, that they are well, or what a forehead reads: topic, payload.

Only the words; when and whether something is said is decided elsewhere.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from devices.simulated.compound import Gun, Home

Words = list[tuple[str, bytes]]


def iso(at_ms: int) -> str:
    """`at_ms` as devices write it: UTC, with milliseconds."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def _native(home: Home, at_ms: int, moved: bool) -> Words:
    home.seq += 1
    own_ms = max(0, at_ms + home.clock_off_ms)
    if not moved:
        return [
            (
                f"{home.topic}/heartbeat",
                b'{"at":%d,"n":%d,"battery":%d,"seq":%d}' % (own_ms, home.count, home.battery, home.seq),
            )
        ]
    state = b"open" if home.open else b"closed"
    return [
        (
            f"{home.topic}/door",
            b'{"state":"%b","at":%d,"n":%d,"battery":%d,"seq":%d}'
            % (state, own_ms, home.count, home.battery, home.seq),
        )
    ]


def _zigbee2mqtt(home: Home, at_ms: int, moved: bool) -> Words:
    seen = b',"last_seen":"%b"' % iso(at_ms).encode() if home.tells_time else b""
    contact = b"false" if home.open else b"true"
    return [
        (
            home.topic,
            b'{"battery":%d,"battery_low":%b,"contact":%b,"linkquality":%d,"tamper":false,"voltage":%d%b}'
            % (
                home.battery,
                b"true" if home.battery < 10 else b"false",
                contact,
                60 + (home.count * 7) % 120,
                2600 + int(home.battery * 4),
                seen,
            ),
        )
    ]


def _shelly(home: Home, at_ms: int, moved: bool) -> Words:
    # A sleeping device: whatever wakes it, it sends all its values and says what the reason was.
    return [
        (f"{home.topic}/sensor/state", b"open" if home.open else b"close"),
        (f"{home.topic}/sensor/act_reasons", b'["sensor"]' if moved else b'["periodic"]'),
        (f"{home.topic}/sensor/battery", b"%d" % home.battery),
    ]


def _tasmota(home: Home, at_ms: int, moved: bool) -> Words:
    word = b"ON" if home.open else b"OFF"
    if moved:
        return [(f"stat/{home.topic}/RESULT", b'{"Switch1":{"Action":"%b"}}' % word)]
    local = iso(at_ms + 28_800_000)[:19].encode()  # local time that does not say its zone, as Tasmota writes it
    return [(f"tele/{home.topic}/SENSOR", b'{"Time":"%b","Switch1":"%b"}' % (local, word))]


_VOICES: dict[str, Callable[[Home, int, bool], Words]] = {
    "native": _native,
    "zigbee2mqtt": _zigbee2mqtt,
    "shelly-gen1": _shelly,
    "tasmota": _tasmota,
}
_PRESENCE = {
    "native": ("{}/status", b"online", b"offline"),
    "zigbee2mqtt": ("{}/availability", b'{"state":"online"}', b'{"state":"offline"}'),
    "shelly-gen1": ("{}/online", b"true", b"false"),
    "tasmota": ("tele/{}/LWT", b"Online", b"Offline"),
}


def moved(home: Home, at_ms: int) -> Words:
    """The door opened or closed just now, as `home.open` says."""
    return _VOICES[home.vendor](home, at_ms, True)


def well(home: Home, at_ms: int) -> Words:
    """A check-in."""
    return _VOICES[home.vendor](home, at_ms, False)


def presence(home: Home, online: bool) -> tuple[str, bytes]:
    """The last will, or its opposite."""
    topic, here, gone = _PRESENCE[home.vendor]
    return topic.format(home.topic), here if online else gone


def bridge_state(online: bool) -> bytes:
    """What Zigbee2MQTT says of itself."""
    return b'{"state":"online"}' if online else b'{"state":"offline"}'


def reading(gun: Gun, at_ms: int, celsius: float, pass_id: str) -> tuple[str, bytes]:
    """One measurement of a gun."""
    gun.seq += 1
    passed = f',"pass":"{pass_id}"' if pass_id else ""
    ambient = f',"ambient":{gun.ambient:.1f}' if gun.tells_ambient else ""
    return gun.topic, f'{{"celsius":{celsius:.1f},"at":{at_ms},"seq":{gun.seq}{passed}{ambient}}}'.encode()
