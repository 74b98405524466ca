"""Seeded scripts of `inbox`: households in isolation whose doors open and close, guns, guards, and answers."""

from random import Random
from typing import Any

from devices.events import Event
from devices.ids import event_id
from streams.commands import Command
from streams.frames import DeviceRow, InboxRecord

T0_MS = 1_581_816_600_000  # 2020-02-16 09:30 in Shanghai
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def household(number: int) -> str:
    return f"g{number % 3 + 1}/{number % 7}/{number}"


def said(device: str, where: str, place: str, at_ms: int, kind: Any, count: int, **facets: Any) -> Event:
    """A device's message; `count` is its own count of messages, which makes its id."""
    grid = place.split("/")[0]
    return Event(
        event_id(device, f"seq {count}", b""), device, grid, where, place, at_ms, kind, has_cause=True, **facets
    )


def door(number: int, at_ms: int, is_open: bool, count: int, **facets: Any) -> Event:
    """The door of a household opens or closes."""
    return said(f"door-{number}", "household", household(number), at_ms, "door", count, open=is_open, **facets)


def asked(name: str, number: int, at_ms: int, count: int, **fields: Any) -> Command:
    """Somebody asks something about a household."""
    grid = household(number).split("/")[0]
    return Command(f"c-{count}", at_ms, name, grid, **fields)


def fleet(households: int, at_ms: int = T0_MS) -> list[InboxRecord]:
    """Rows of every device, and a case for two of three households."""
    records: list[InboxRecord] = []
    until_ms = at_ms + 14 * DAY_MS
    for number in range(households):
        place = household(number)
        grid = place.split("/")[0]
        records.append(DeviceRow(at_ms, grid, f"door-{number}", "household", place, report_every_s=3600.0))
        if number % 3:
            about = {"household": place, "from_ms": at_ms, "until_ms": until_ms, "by": "desk"}
            records.append(Command(f"case-{number}", at_ms, "open-case", grid, **about))
    guns = ("g1", "g2", "g3")
    records.extend(DeviceRow(at_ms, g, f"gun-{g}", "checkpoint", f"{g}/north", site="forehead") for g in guns)
    return records


def script(
    seed: int, length: int, *, households: int = 12, longest_gap_ms: int = 3 * MINUTE_MS, t0_ms: int = T0_MS
) -> list[InboxRecord]:
    """`length` records after those of the fleet, in order of time."""
    random = Random(seed)
    records = fleet(households, t0_ms)
    at_ms = t0_ms
    opened = dict.fromkeys(range(households), False)
    for count in range(length):
        at_ms += random.randrange(longest_gap_ms)
        number = random.randrange(households)
        place = household(number)
        grid = place.split("/")[0]
        match random.randrange(12):
            case 0 | 1 | 2 | 3 | 4:
                opened[number] = not opened[number]
                device_ms = at_ms - random.randrange(3_000)
                records.append(door(number, at_ms, opened[number], count, device_ms=device_ms))
            case 5:
                records.append(said(f"door-{number}", "household", place, at_ms, "heartbeat", count))
            case 6:
                percent = float(random.randrange(100))
                facets = {"battery_percent": percent, "signal": -70.0}
                records.append(said(f"door-{number}", "household", place, at_ms, "battery", count, **facets))
            case 7 | 8:
                facets = {"celsius": round(random.uniform(36.0, 37.6), 1), "pass_id": f"A-{random.randrange(5)}"}
                gun, gate = f"gun-{grid}", f"{grid}/north"
                records.append(said(gun, "checkpoint", gate, at_ms, "temperature", count, site="forehead", **facets))
            case 9:
                about = {"subject": place, "kind": "undeclared-opening", "by": "w1", "role": "worker"}
                records.append(asked("acknowledge", number, at_ms, count, **about))
            case 10:
                about = {"subject": place, "kind": "undeclared-opening", "by": "w1", "role": "worker"}
                disposition = random.choice(("true-alarm", "false-alarm"))
                records.append(asked("close", number, at_ms, count, disposition=disposition, note="seen", **about))
            case _:
                until_ms = at_ms + 5 * MINUTE_MS
                about = {"household": place, "by": "resident", "reason": "rubbish"}
                records.append(asked("declare", number, at_ms, count, until_ms=until_ms, **about))
    return records
