"""A siren, lamp or phone that hears pages by MQTT: the target is its name in the fleet (`[[subscriber]]`), or `broker`.

The gateway publishes every page by itself; here it is only waited for what became of it.
"""

from duty.edge.channels.base import Answer, Message, Tools
from duty.people import Channel


class Carrier:
    """Accepted when the siren's PUBACK came."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once."""
        ask = self._tools.siren_receipt
        if ask is None or not message.pages:
            return Answer("gave-up", "a siren only tells of pages")
        outcome = await ask(message.pages[-1].id, channel.target, self._tools.timeout_s)
        if outcome is None:
            return Answer("try-later", f"the siren has not accepted it within {self._tools.timeout_s:g} s")
        return Answer("accepted") if outcome == "accepted" else Answer("gave-up", "the gateway gave the siren up")
