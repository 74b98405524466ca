"""Ways to reach a person, one vendor a file, by one port: `base.Carrier`.  Importing this loads none of them."""

from importlib import import_module

from duty.edge.channels.base import Carrier, Tools
from duty.people import CHANNEL_KINDS, ChannelKind

_MODULES: dict[ChannelKind, str] = {kind: f"duty.edge.channels.{kind}" for kind in CHANNEL_KINDS}


def carrier(kind: ChannelKind, tools: Tools) -> Carrier:
    """What carries messages to channels of this kind.  Its module, and what it needs, is loaded now."""
    made: Carrier = import_module(_MODULES[kind]).Carrier(tools)
    return made
