"""Vendors' formats: bytes → readings, one vendor a file, all in this table.

A format is two pure functions and a profile.  `decode` never raises, never guesses a polarity, and hands back readings
or the reason why not.  What a format must remember between messages (aliases of a birth certificate, a discovery
configuration) it keeps in `Known.memory`, a small dict that the gateway stores with the frame.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from devices.events import Message, Reading, Rejected
from devices.fleet import Device
from devices.formats.proposal import Proposal, nobody
from devices.profile import Profile


class Known(msgspec.Struct):
    """What is known when a message comes in: the rows it may belong to, and what the format remembered of them.

    `devices` are the rows that share the message's topic: one, unless the payload names the device (`address`).
    `rest` is what follows the row's topic: "" for the topic itself, "availability" below it.
    `memory` is JSON-like, bounded by the format, shared by the rows of one own topic (`topics(row)[0]`) whichever of
    the prefixes a message came on; a format that changes it sets `memory_changed`.  Readings may be empty: a message
    that was understood and says nothing of a device (a birth certificate, a gateway's own report) is no reject.
    """

    devices: tuple[Device, ...]
    rest: str = ""
    memory: dict[str, Any] = {}
    memory_changed: bool = False


Decode = Callable[[Message, Known], list[Reading] | Rejected]
Recognise = Callable[[str, bytes], Proposal | None]


def own_topic(device: Device) -> list[str]:
    """The topics under which a device's messages come: usually its own, and what is below it."""
    return [device.topic]


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    `topics` gives the topic prefixes of a device (Tasmota has two).  The first is the row's own; a further one is the
    device's too unless another row's first prefix claims it.  `recognise` reads off a topic and a payload, heard
    without any row, which row its device should have.  `report_every_s` is for a format whose devices differ in how
    often they check in; the others have it in their profile.
    """

    name: str
    decode: Decode
    profile: Profile
    topics: Callable[[Device], list[str]] = own_topic
    recognise: Recognise = nobody
    report_every_s: Callable[[Device], float | None] | None = None

    def usual_report_s(self, device: Device) -> float | None:
        """How often `device` checks in where its row says nothing; None: it never does by itself."""
        return self.profile.report_every_s if self.report_every_s is None else self.report_every_s(device)


def table() -> dict[str, Format]:
    """Every format by its name.  A function, so that importing this package loads no vendor."""
    from devices.formats import (
        aqara,
        ble_thermometer,
        chirpstack,
        ctwing,
        deconz,
        enocean,
        esphome,
        homeassistant,
        lwm2m_senml,
        native,
        onenet,
        shelly_blu,
        shelly_gen1,
        sparkplug_b,
        tasmota,
        ttn,
        tuya,
        zigbee2mqtt,
    )

    rows = [
        native.FORMAT,
        zigbee2mqtt.FORMAT,
        tasmota.FORMAT,
        shelly_gen1.FORMAT,
        shelly_blu.FORMAT,
        esphome.FORMAT,
        homeassistant.FORMAT,
        aqara.FORMAT,
        tuya.FORMAT,
        deconz.FORMAT,
        enocean.FORMAT,
        sparkplug_b.FORMAT,
        lwm2m_senml.FORMAT,
        ctwing.FORMAT,
        onenet.FORMAT,
        chirpstack.FORMAT,
        ttn.FORMAT,
        ble_thermometer.FORMAT,
    ]
    return {row.name: row for row in rows}
