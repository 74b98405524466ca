"""What is owed to a client for its messages of QoS 1 and 2: PUBACK, PUBREC and PUBCOMP, in the order of receipt."""

from collections.abc import Sequence
from struct import pack
from typing import Final

from gateway.mqtt.packets import V5
from gateway.mqtt.reasons import ProtocolError, Reason

MOST_PACKET_IDS: Final = 65_535
# A client may leave this many messages of QoS 2 half finished: 1 MB of memory at most, and more than a client that
# empties a long queue at once was seen to have open.
MOST_UNRELEASED: Final = 16_384

_QOS_2: Final = 0x10000  # marks a message of QoS 2 among the unanswered; packet ids have 16 bits
_PUBACK: Final = 0x4002_0000  # a PUBACK without a reason code is these four bytes with the packet id
_PUBREC: Final = 0x5002_0000
_PUBCOMP: Final = 0x7002_0000


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """PUBACKs without a reason code, one behind the other."""
    return pack(f">{len(packet_ids)}I", *map(_PUBACK.__or__, packet_ids))


class MisuseError(RuntimeError):
    """The edge broke the contract of this package: a bug of ours, never the client's doing."""


class Answers:
    """The receiving half of QoS 1 and 2 of one connection."""

    __slots__ = ("_early", "_early_count", "_half_done", "_out", "most_unanswered", "unanswered", "version")

    def __init__(self, out: bytearray, version: int, most_unanswered: int) -> None:
        self._out = out
        self._early: dict[int, list[int]] = {}  # answered before its turn: the codes by packet id
        self._early_count = 0
        self._half_done: dict[int, bool] = {}  # QoS 2 by packet id: is the PUBREC sent, so that PUBREL may come
        self.unanswered: list[int] = []
        self.most_unanswered = most_unanswered
        self.version = version

    def check_room(self) -> None:
        """To be called after ids were appended to `unanswered`."""
        if len(self.unanswered) > self.most_unanswered:
            raise ProtocolError(
                Reason.RECEIVE_MAXIMUM_EXCEEDED, f"more than {self.most_unanswered} messages without an answer"
            )

    def receive_qos_2(self, packet_id: int) -> bool:
        """A PUBLISH of QoS 2 came: is it a new message? If not, the PUBREC is sent again where it had been."""
        recorded = self._half_done.get(packet_id)
        if recorded is None:
            if len(self._half_done) == MOST_UNRELEASED:
                raise ProtocolError(Reason.QUOTA_EXCEEDED, f"more than {MOST_UNRELEASED} messages without a PUBREL")
            self._half_done[packet_id] = False
            self.unanswered.append(_QOS_2 | packet_id)
            self.check_room()
            return True
        if recorded:
            self._out += pack(">I", _PUBREC | packet_id)
        return False

    def release(self, packet_id: int) -> None:
        """A PUBREL came: PUBCOMP. The id may now name another message."""
        recorded = self._half_done.get(packet_id)
        if recorded is None:
            # Its message was finished before, perhaps over an earlier connection: 3.1.1 knows no other answer, and 5
            # has a code for it.
            self._out += (
                bytes((0x70, 3)) + packet_id.to_bytes(2, "big") + bytes((Reason.PACKET_ID_NOT_FOUND,))
                if self.version == V5
                else pack(">I", _PUBCOMP | packet_id)
            )
            return
        if not recorded:
            raise ProtocolError(Reason.PROTOCOL_ERROR, "a PUBREL before its PUBREC")
        del self._half_done[packet_id]
        self._out += pack(">I", _PUBCOMP | packet_id)

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        ids = list(packet_ids)
        count = len(ids)
        if self._early or self.unanswered[:count] != ids:
            self._answer(ids, Reason.SUCCESS)
            return
        # QoS 1 alone and in order: nearly always.
        del self.unanswered[:count]
        self._out += (_PUBACK | ids[0]).to_bytes(4, "big") if count == 1 else pubacks(ids)

    def refuse(self, packet_id: int, code: int) -> None:
        self._answer([packet_id], code)

    def _answer(self, packet_ids: list[int], code: int) -> None:
        unanswered, early = self.unanswered, self._early
        size = len(unanswered)
        sent = 0
        for packet_id in packet_ids:
            if sent == size or unanswered[sent] & 0xFFFF != packet_id:
                early.setdefault(packet_id, []).append(code)
                self._early_count += 1
                continue
            self._send(unanswered[sent], code)
            sent += 1
            while early and sent < size and (codes := early.get(unanswered[sent] & 0xFFFF)):
                self._send(unanswered[sent], codes.pop(0))
                self._early_count -= 1
                if not codes:
                    del early[unanswered[sent] & 0xFFFF]
                sent += 1
        del unanswered[:sent]
        # Looking for each early id among the unanswered would let a client that floods us with what is refused buy
        # seconds of CPU. An answer to nothing shows all the same: it is still there when no message waits any more.
        if self._early_count > len(unanswered):
            raise MisuseError(f"packet id {next(iter(early))} is answered, but no message waits for it")

    def _send(self, entry: int, code: int) -> None:
        packet_id = entry & 0xFFFF
        if entry & _QOS_2:
            self._half_done[packet_id] = True
            self._out += pack(">I", _PUBREC | packet_id)
        elif code:
            self._out += bytes((0x40, 3)) + packet_id.to_bytes(2, "big") + bytes((code,))
        else:
            self._out += pack(">I", _PUBACK | packet_id)
