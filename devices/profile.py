"""What is known of a kind of device beforehand, by its format: one row a format (`devices/formats/__init__.py`)."""

import msgspec


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What devices of a format can tell.  The docs' pages and `./threshold check` read the same rows."""

    report_every_s: float | None  # the usual check-in, used where the fleet file says none; None: it has none
    counts_openings: bool = False
    tells_tamper: bool = False
    tells_battery: bool = False
    tells_own_time: bool = False
    needs_open_is: bool = False  # the polarity depends on the wiring: the fleet file must say it
    needs_address: bool = False  # many devices share a topic, the payload names the device
    measures_body: bool = False
