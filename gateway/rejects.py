"""What could not come in: kept with its bytes and its reason, counted, and fed in again once the cause is mended."""

from collections import Counter

import msgspec

from devices.events import REJECT_REASONS, Event, Message, RejectReason
from streams.frames import RejectRecord

LARGEST_PAYLOAD = 64 * 1024
# Fed in later than this, a message that does not say its own time is no news: it is taken as a state, like one that a
# broker had kept.
NEWS_MS = 10 * 60_000

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(RejectRecord)


def encode_reject(record: RejectRecord) -> bytes:
    """One frame of `rejects`: a single record."""
    return _encoder.encode(record)


def decode_reject(frame: bytes) -> RejectRecord:
    """The record of a frame of `rejects`.  Raises msgspec.MsgspecError."""
    return _decoder.decode(frame)


def reject(message: Message, reason: RejectReason, detail: str, device: str = "") -> RejectRecord:
    """`message` as it is kept.  Of one that is too large its beginning is."""
    return RejectRecord(
        at_ms=message.received_ms,
        reason=reason,
        detail=detail,
        topic=message.topic,
        payload=message.payload[:LARGEST_PAYLOAD],
        retained=message.retained,
        client=message.client,
        device=device,
    )


def once_more(record: RejectRecord, now_ms: int) -> Message:
    """The message of a reject, to be taken in again at `now_ms`."""
    return Message(
        topic=record.topic,
        payload=record.payload,
        received_ms=now_ms,
        retained=record.retained,
        client=record.client,
    )


def dated_back(event: Event, record: RejectRecord) -> Event:
    """An event made of a reject that was fed in again: an old one without a time of its own is only a state."""
    if event.report != "live" or event.device_ms is not None or event.received_ms - record.at_ms <= NEWS_MS:
        return event
    return msgspec.structs.replace(event, report="retained", device_ms=record.at_ms)


class Counts:
    """How many messages were refused, by reason; every reason is there from the beginning."""

    def __init__(self) -> None:
        self.by_reason: Counter[str] = Counter(dict.fromkeys(REJECT_REASONS, 0))

    def add(self, records: list[RejectRecord]) -> None:
        for record in records:
            self.by_reason[record.reason] += 1
