"""The long tail, through the apprise library: the target is one of its addresses.

It does not tell what a vendor answered, so the best that can be said is that nobody can say: `unknown`.
"""

import asyncio
from importlib import import_module
from typing import Any

from duty.edge.channels.base import Answer, Message, Tools
from duty.people import Channel


class Carrier:
    """The library is loaded at the first use: it is large, and few need it."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def send(self, channel: Channel, message: Message) -> Answer:
        """Try once."""
        try:
            apprise: Any = await asyncio.to_thread(import_module, "apprise")
        except ModuleNotFoundError:
            return Answer("gave-up", "apprise is not installed: install Threshold with its cluster parts")
        made = apprise.Apprise()
        if not made.add(channel.target):
            return Answer("gave-up", "apprise does not know this target")
        text = message.text
        try:
            async with asyncio.timeout(self._tools.timeout_s):
                taken = await made.async_notify(title=text.title, body=text.plain().partition("\n")[2] or text.title)
        except TimeoutError:
            return Answer("try-later", f"no answer within {self._tools.timeout_s:g} s")
        return Answer("unknown", "receipt unknown") if taken else Answer("try-later", "apprise could not hand it over")
