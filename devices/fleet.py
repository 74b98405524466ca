"""The fleet: which device is where, what hangs on which bridge, who is in isolation.  Frozen, checked when built."""

from typing import Literal

import msgspec

from devices.places import Where, grid_of


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A row `[[device]]`.  `where`/`place`: household or checkpoint it belongs to; in the pool both say so."""

    id: str
    format: str
    topic: str
    where: Where
    place: str = ""
    grid: str = ""
    report_every_s: float | None = None
    site: str = ""
    address: str = ""
    open_is: str = ""
    secret_sha256: str = ""
    options: dict[str, str] = {}
    line: int = 0


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """A row `[[bridge]]`: what many sensors hang on.  `devices` is the topic prefix behind it.  With a secret it may
    connect directly and speak for the devices behind it."""

    id: str
    topic: str
    grid: str
    devices: str = ""
    report_every_s: float | None = None
    secret_sha256: str = ""
    line: int = 0


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A row `[[case]]`: one household under isolation.  `wellbeing_call` is minutes after midnight, or None."""

    household: str
    from_ms: int
    until_ms: int
    visits: bool = False
    wellbeing_call_min: int | None = None
    line: int = 0


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A row `[[subscriber]]`: a siren or phone that connects to be told pages of `roles` in `grid`."""

    id: str
    grid: str
    roles: tuple[str, ...]
    secret_sha256: str = ""
    line: int = 0


PlatformKind = Literal["ctwing", "onenet", "ttn", "chirpstack", "shelly"]


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """A row `[[platform]]`: a vendor's platform that pushes over HTTP what the devices at and below `topic` say.

    `secret_sha256` is of the key it shows; OneNET signs with a token instead, which is in `token_file`.
    """

    id: str
    kind: PlatformKind
    topic: str
    secret_sha256: str = ""
    token_file: str = ""
    aes_key_file: str = ""
    line: int = 0


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the fleet file says, by id; households and checkpoints are those its rows name."""

    devices: dict[str, Device] = {}
    bridges: dict[str, Bridge] = {}
    cases: tuple[Case, ...] = ()
    subscribers: dict[str, Subscriber] = {}
    platforms: dict[str, Platform] = {}

    def grids(self) -> list[str]:
        """Every grid named by a device, bridge or case, sorted."""
        names = {d.grid for d in self.devices.values() if d.grid} | {b.grid for b in self.bridges.values()}
        return sorted(names | {grid_of(c.household) for c in self.cases})

    def bridge_of(self, device: Device) -> str:
        """The id of the bridge whose `devices` prefix is the longest one of this device's topic, or ""."""
        best = max(
            (b for b in self.bridges.values() if b.devices and device.topic.startswith(b.devices)),
            key=lambda b: len(b.devices),
            default=None,
        )
        return best.id if best else ""
