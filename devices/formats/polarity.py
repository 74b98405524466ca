"""What "open" is where the wiring decides: the fleet row says it (`open_is`), never this program.

A contact may be wired to close or to break, pulled up or down, and its words may be renamed in the firmware.  So the
row says the word for open.  The word for closed is its natural opposite, or `closed_is` in the row's options.
"""

from devices.events import Rejected
from devices.fleet import Device

_OPPOSITES = {"on": "off", "off": "on", "1": "0", "0": "1", "true": "false", "false": "true", "open": "closed",
              "closed": "open"}  # fmt: skip

NOT_SAID = Rejected("malformed", "the fleet row does not say open_is, so this could mean open or closed")
NEITHER = Rejected("malformed", "neither the row's word for open nor its opposite")


def is_open(said: str, device: Device) -> bool | Rejected:
    """Whether `said` means open at this device.  Case does not matter."""
    opened = device.open_is.lower()
    if not opened:
        return NOT_SAID
    said = said.lower()
    if said == opened:
        return True
    closed = device.options.get("closed_is", "").lower() or _OPPOSITES.get(opened, "")
    return False if closed and said == closed else NEITHER


def is_open_bit(said: bool, device: Device) -> bool | Rejected:
    """Whether a digital input that says `said` means open; `open_is` may be written 1, true or ON."""
    match device.open_is.lower():
        case "1" | "true" | "on":
            return said
        case "0" | "false" | "off":
            return not said
        case "":
            return NOT_SAID
        case _:
            return NEITHER
