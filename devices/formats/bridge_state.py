"""The state of a bridge (`zigbee2mqtt/bridge/state` and the like): what many sensors hang on is there, or is not.

Older versions of Zigbee2MQTT write the bare words `online` and `offline`, newer ones JSON {"state":"online"}.
"""

import msgspec

from devices.events import Rejected
from devices.formats.strict_json import reader
from devices.formats.values import word


class _State(msgspec.Struct):
    state: str


_read = reader(_State, "state")
_WORDS = {"online": True, "offline": False}


def decode_bridge_state(payload: bytes) -> bool | Rejected:
    """True for online, False for offline, else why not."""
    said = word(payload).lower()
    if said.startswith("{"):
        found = _read(payload)
        if isinstance(found, Rejected):
            return found
        said = found.state.lower()
    online = _WORDS.get(said)
    return Rejected("malformed", "neither online nor offline") if online is None else online
