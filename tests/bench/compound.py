"""The compound that the bench of the whole job watches: its doors, what they say, and the fleet file that says so.

Like real life most messages change nothing: Zigbee sensors repeat their state with battery and link quality, sensors
that speak our own format send heartbeats.  One household in twenty is not isolated, and its door opens and closes all
the time.
"""

import hashlib
from pathlib import Path

from tests.bench.mqtt_load import packet, text

SECRET = "a secret of the bench"
HOUSEHOLDS_A_GRID = 500
# Which sort a door is goes by its number: out of twenty one is free, five speak our own format, the rest are Zigbee.
_OF = 20
_NATIVE_UP_TO = 5


def grid(number: int) -> str:
    return f"g{number // HOUSEHOLDS_A_GRID:03d}"


def household(number: int) -> str:
    within = number % HOUSEHOLDS_A_GRID
    return f"{grid(number)}/{within // 50 + 1}/{within % 50 + 101}"


def is_free(number: int) -> bool:
    """Is nobody isolated behind this door?"""
    return number % _OF == 0


def is_native(number: int) -> bool:
    return number % _OF <= _NATIVE_UP_TO


def topic(number: int) -> str:
    name = f"door-{number}"
    return f"threshold/{grid(number)}/{name}" if is_native(number) else f"zigbee2mqtt/{name}"


def ear(grid_name: str) -> str:
    """The subscriber of a grid."""
    return f"ear-{grid_name}"


def write_fleet(path: Path, households: int) -> None:
    """A fleet file of so many households, all isolated but the free ones, and one subscriber a grid."""
    secret = hashlib.sha256(SECRET.encode()).hexdigest()
    rows: list[str] = []
    for number in range(households):
        kind = "native" if is_native(number) else "zigbee2mqtt"
        rows.append(
            f'[[device]]\nid = "door-{number}"\nformat = "{kind}"\ntopic = "{topic(number)}"\n'
            f'household = "{household(number)}"\nreport_every_s = 3600\nsecret_sha256 = "{secret}"\n'
        )
        if not is_free(number):
            rows.append(
                f'[[case]]\nhousehold = "{household(number)}"\n'
                'from = "2020-02-10T00:00:00+08:00"\nuntil = "2090-02-24T00:00:00+08:00"\n'
            )
    grids = sorted({grid(number) for number in range(households)})
    rows += [
        f'[[subscriber]]\nid = "{ear(name)}"\ngrid = "{name}"\nroles = ["worker"]\nsecret_sha256 = "{secret}"\n'
        for name in grids
    ]
    path.write_text("\n".join(rows))


class Doorway:
    """What one door sends, as packets of QoS 1 with room for the packet id: (before it, behind it)."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_open = False
        self.closes_at = 0.0
        self.fresh = not is_free(number)
        self._said = 0
        self._openings = 0
        if is_native(number):
            beat = _packet(f"{topic(number)}/heartbeat", b"{}")
            self._routine = {
                state: [beat, beat, beat, self._native(state, battery=88)] for state in (False, True)
            }  # fmt: skip
        else:
            self._routine = {
                state: [self._zigbee(state, quality) for quality in (96, 120, 144)] for state in (False, True)
            }

    def next(self, now: float) -> tuple[bytes, bytes]:
        """What it says when it is its turn: mostly that all is as it was."""
        if is_free(self.number):
            self.is_open = not self.is_open
            self._openings += self.is_open
            self._said += 1
            return self._native(self.is_open, n=self._openings, seq=self._said, at=round(now * 1000))
        if self.is_open and now >= self.closes_at:
            return self._moved(False)
        routine = self._routine[self.is_open]
        self._said += 1
        return routine[self._said % len(routine)]

    def stands(self) -> tuple[bytes, bytes]:
        """It is closed."""
        return self._moved(False)

    def opens(self, closes_at: float) -> tuple[bytes, bytes]:
        """It opens, for the first time."""
        self.fresh = False
        self.closes_at = closes_at
        return self._moved(True)

    def _moved(self, is_open: bool) -> tuple[bytes, bytes]:
        self.is_open = is_open
        return self._native(is_open) if is_native(self.number) else self._zigbee(is_open, 130)

    def _native(self, is_open: bool, **more: int) -> tuple[bytes, bytes]:
        fields = "".join(f',"{name}":{value}' for name, value in more.items())
        state = "open" if is_open else "closed"
        return _packet(f"{topic(self.number)}/door", f'{{"state":"{state}"{fields}}}'.encode())

    def _zigbee(self, is_open: bool, quality: int) -> tuple[bytes, bytes]:
        contact = "false" if is_open else "true"
        said = f'{{"battery":97,"contact":{contact},"linkquality":{quality},"voltage":3025}}'
        return _packet(topic(self.number), said.encode())


def _packet(name: str, payload: bytes) -> tuple[bytes, bytes]:
    whole = packet(0x32, text(name.encode()) + b"\0\0" + payload)
    behind = len(payload)
    return whole[: -behind - 2], whole[-behind:]
