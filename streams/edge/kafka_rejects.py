"""The topic `rejects`: messages that could not come in, and marks that say which of them were fed in again.

A mark stands after the reject it is about and is kept as long, so that nothing else need remember it.
"""

from typing import Any

import msgspec

from devices.edge.settings import Settings
from streams.edge.kafka import connection, names
from streams.edge.kafka_log import KafkaReader
from streams.frames import RejectFed, RejectRecord

_FRAMES = 500
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[RejectRecord | RejectFed] = msgspec.msgpack.Decoder(RejectRecord | RejectFed)


class Reject(msgspec.Struct, frozen=True):
    """One refused message; `outcome` is "" until it was fed in again."""

    offset: int
    record: RejectRecord
    outcome: str


def fed_mark(offset: int, outcome: str, at_ms: int) -> bytes:
    """The frame that says what became of a reject when it was fed in again."""
    return _encoder.encode(RejectFed(at_ms, offset, outcome))


class RejectsReader:
    """Connects at the first question.  One thread at a time."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        """Raises OSError for a password file or certificate that cannot be read."""
        self._reader = KafkaReader(
            connection(settings.cluster), names(settings.cluster.topic_prefix).rejects, **options
        )

    def newest(self, most: int) -> list[Reject]:
        """Of the newest `most` frames the rejects, oldest first.  Raises LogFull when Kafka is away."""
        end = self._reader.end(0)
        after = max(0, end - most)
        records: dict[int, RejectRecord] = {}
        outcomes: dict[int, str] = {}
        while after < end and (frames := self._reader.read(0, after, _FRAMES)):
            for offset, frame in frames:
                try:
                    record = _decoder.decode(frame)
                except msgspec.MsgspecError:
                    continue  # nothing that a person could feed in, and nothing hangs on it
                if isinstance(record, RejectFed):
                    outcomes[record.offset] = record.outcome
                else:
                    records[offset] = record
            after = frames[-1][0]
        return [Reject(offset, record, outcomes.get(offset, "")) for offset, record in records.items()]

    def close(self) -> None:
        """Give the connection back."""
        self._reader.close()
