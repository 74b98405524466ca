"""The desk itself: a page is accepted when its person is looking at the desk now; their screen sounds by itself."""

from duty.edge.channels.base import Answer, Message, Tools
from duty.people import Channel


class Carrier:
    """Nothing is sent: the live stream tells every screen of the page in the same moment."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once."""
        if self._tools.is_present(message.person or channel.person):
            return Answer("accepted", "on the screen")
        return Answer("gave-up", "not at the desk")
