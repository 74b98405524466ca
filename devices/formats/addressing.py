"""Which row a message belongs to when many devices share one topic and the payload names the device.

A gateway may carry thousands of sensors on one topic, so the rows are looked up in an index.  It is worked out once
for a tuple of rows and kept as long as that tuple is among the last used: the same rows give the same index.
"""

from functools import lru_cache

from devices.events import Rejected
from devices.fleet import Device
from devices.formats import Known

_FEW = 4
_KEPT = 256
_Index = tuple[tuple[Device, ...], dict[str, Device], frozenset[str]]
_indexes: dict[int, _Index] = {}

NOT_NAMED = Rejected("malformed", "the message does not name its device")
NO_ROW = Rejected("unknown-device", "no row has the address that this message names")


@lru_cache(maxsize=8192)
def spelled(address: str) -> str:
    """One spelling of an address: hexadecimal ids come with and without separators, in upper and lower case."""
    return address.lower().replace(":", "").replace("-", "")


def _index(devices: tuple[Device, ...]) -> _Index:
    """The rows, by their addresses, and everything above an address that has levels."""
    found = _indexes.get(id(devices))
    # The tuple is kept beside its index: an id is reused only once its tuple is gone.
    if found is not None and found[0] is devices:
        return found
    if len(_indexes) >= _KEPT:
        _indexes.clear()
    index = {spelled(device.address): device for device in devices if device.address}
    above = frozenset(address.rpartition("/")[0] for address in index if "/" in address)
    found = _indexes[id(devices)] = (devices, index, above)
    return found


def row_of(known: Known, *names: str) -> Device | None:
    """The row whose address is one of `names`; a single row without an address takes every message of its topic."""
    devices = known.devices
    if len(devices) == 1 and not devices[0].address:
        return devices[0]
    if len(devices) <= _FEW:
        spellings = [spelled(name) for name in names if name]
        for device in devices:
            if device.address and spelled(device.address) in spellings:
                return device
        return None
    index = _index(devices)[1]
    for name in names:
        if name and (device := index.get(spelled(name))) is not None:
            return device
    return None


def is_above(known: Known, name: str) -> bool:
    """Whether a row's address lies below `name`: the edge node `G/E` of the address `G/E/D`."""
    return spelled(name) in _index(known.devices)[2]


def rows_at(known: Known, name: str, *, and_below: bool) -> list[Device]:
    """The row whose address is `name`, and with `and_below` every row whose address lies below it."""
    index, at = _index(known.devices)[1], spelled(name)
    if not and_below:
        return [index[at]] if at in index else []
    under = at + "/"
    return [device for address, device in index.items() if address == at or address.startswith(under)]


def measures_body(device: Device) -> bool:
    """Whether a temperature from this row is a person's: it stands at a checkpoint, or its row says a body site."""
    return device.where == "checkpoint" or bool(device.site)
