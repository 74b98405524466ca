"""What was heard on a broker, gathered into the rows that a fleet file should have.

No socket and no clock in here: messages come in, rows come out.  Which word of a wired contact means open is told by
the door itself: it is opened once and closed again while we listen, and the word that came and went is open.
"""

import re
from collections.abc import Mapping

import msgspec

from devices.events import Message, Reading
from devices.fleet import Bridge, Device
from devices.formats import Format, Known
from devices.formats.proposal import Proposal

POOL = "pool"
MOST_DEVICES = 20_000
_ID = re.compile(r"[^A-Za-z0-9_.\-一-鿿]+")

Key = tuple[str, str, str]


class Heard(msgspec.Struct):
    """One device: what proposes it, how often it was heard, and the states of its door in their order."""

    proposal: Proposal
    messages: int = 0
    words: list[str] = []  # the contact's own words, without repeats in a row
    states: list[bool] = []  # open or not, where the format itself says so

    @property
    def opens(self) -> str:
        """The word that means open: the middle one of closed, open, closed.  "" while the door has not shown it."""
        words = self.words
        if len(words) >= 3 and words[-1] == words[-3] and len(set(words)) == 2:
            return words[-2]
        return ""


class Sniffed:
    """Everything heard so far.  `formats` is the table of formats."""

    def __init__(self, formats: Mapping[str, Format]) -> None:
        self._formats = formats
        self.heard: dict[Key, Heard] = {}
        self.messages = 0
        self.unknown: dict[str, int] = {}

    def hear(self, topic: str, payload: bytes) -> Proposal | None:
        """One message, live or retained; what it proposes."""
        self.messages += 1
        found = [p for form in self._formats.values() if (p := form.recognise(topic, payload)) is not None]
        if not found:
            if len(self.unknown) < MOST_DEVICES or topic in self.unknown:
                self.unknown[topic] = self.unknown.get(topic, 0) + 1
            return None
        best = max(found, key=lambda p: p.certain)
        key = (best.format, best.topic, best.address)
        if key not in self.heard and len(self.heard) >= MOST_DEVICES:
            return best
        device = self.heard.setdefault(key, Heard(best))
        device.messages += 1
        if best.word and (not device.words or device.words[-1] != best.word):
            device.words.append(best.word)
        self._state(device, topic, payload)
        return best

    def _state(self, device: Heard, topic: str, payload: bytes) -> None:
        """Open or closed, where the format says it without help of the wiring."""
        proposal = device.proposal
        form = self._formats[proposal.format]
        if proposal.sort != "door" or form.profile.needs_open_is:
            return
        row = _device(proposal, "?")
        prefixes = [prefix for prefix in form.topics(row) if topic == prefix or topic.startswith(prefix + "/")]
        rest = topic[len(max(prefixes, key=len)) :].lstrip("/") if prefixes else ""
        answer = form.decode(Message(topic, payload, 0), Known((row,), rest))
        for reading in answer if isinstance(answer, list) else ():
            if isinstance(reading, Reading) and reading.open is not None:
                if not device.states or device.states[-1] != reading.open:
                    device.states.append(reading.open)

    def devices(self, taken_ids: frozenset[str] = frozenset()) -> list[tuple[Device, Heard]]:
        """The rows proposed, without those that a surer format claims, each with an id that nothing else has."""
        claimed = {heard.proposal.topic: heard.proposal for heard in self._surest()}
        addressed = {(format_name, topic) for format_name, topic, address in self.heard if address}
        taken = set(taken_ids)
        found: list[tuple[Device, Heard]] = []
        for heard in self.heard.values():
            proposal = heard.proposal
            if proposal.sort == "bridge" or claimed[proposal.topic].format != proposal.format:
                continue
            if not proposal.address and (proposal.format, proposal.topic) in addressed:
                # Others share the topic: this one needs its address too, and without one it cannot be told from them.
                if not proposal.if_shared:
                    continue
                proposal = msgspec.structs.replace(proposal, address=proposal.if_shared)
            name = _name(proposal, taken)
            taken.add(name)
            found.append((_device(proposal, name, heard.opens), heard))
        return found

    def strangers(self) -> list[tuple[str, int]]:
        """Topics of which nothing was recognised, the busiest first, with their messages."""
        owned = {prefix for device, _ in self.devices() for prefix in self._formats[device.format].topics(device)}
        owned |= {bridge.topic.rpartition("/")[0] for bridge in self.bridges()}
        found = [item for item in self.unknown.items() if not owned & set(_parents(item[0]))]
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def bridges(self) -> list[Bridge]:
        """The bridges heard; the grid is for the installer to say."""
        return [
            Bridge(
                id=_ID.sub("-", heard.proposal.topic).strip("-")[:64],
                topic=heard.proposal.topic,
                grid="",
                devices=heard.proposal.topic.removesuffix("bridge/state"),
            )
            for heard in self.heard.values()
            if heard.proposal.sort == "bridge"
        ]

    def _surest(self) -> list[Heard]:
        return sorted(self.heard.values(), key=lambda heard: heard.proposal.certain)


def _parents(topic: str) -> list[str]:
    """The topic and everything above it."""
    levels = topic.split("/")
    return ["/".join(levels[:count]) for count in range(1, len(levels) + 1)]


def _device(proposal: Proposal, name: str, open_is: str = "") -> Device:
    return Device(
        id=name,
        format=proposal.format,
        topic=proposal.topic,
        where="pool",
        place=POOL,
        report_every_s=proposal.report_every_s,
        address=proposal.address,
        open_is=open_is,
        options=proposal.options,
    )


def _name(proposal: Proposal, taken: set[str]) -> str:
    """A short id that no other row has: the address, else the end of the topic."""
    parts = [part for part in proposal.topic.split("/") if part not in ("door", "temperature", "raw", "")]
    words = proposal.address or (parts[-1] if parts else "device")
    name = _ID.sub("-", words).strip("-")[-60:] or "device"
    if name in taken and proposal.address and parts:
        name = _ID.sub("-", f"{parts[-1]}-{words}").strip("-")[-60:]
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    return unique
