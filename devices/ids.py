"""Ids come from their causes, so that doing a thing twice is the same as doing it once."""

from hashlib import blake2b


def stable_hash(text: str) -> int:
    """A 64-bit hash of `text` that is the same in every process and every release."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def partition_of(grid: str, partitions: int) -> int:
    """The partition, 0 … `partitions` - 1, on which everything about `grid` is kept, in order."""
    return stable_hash(grid) % partitions if partitions > 1 else 0


def event_id(device: str, cause: str, payload: bytes) -> str:
    """The id of one message of `device`: 16 hexadecimal digits.

    `cause` is what tells this message from another with the same bytes: the device's sequence number, counter or own
    time; for a message with none of them the MQTT packet id, or the time it arrived.
    """
    said = b"%b\0%b" % (payload, f"{device}\0{cause}".encode("utf-8", "surrogatepass"))
    return blake2b(said, digest_size=8, key=b"event").hexdigest()


def incident_id(subject: str, kind: str, number: int) -> str:
    """`<subject>/<kind>/<n>`: the n-th incident of this kind about this subject."""
    return f"{subject}/{kind}/{number}"


def page_id(incident: str, step: int, role: str, attempt: int) -> str:
    """The id of one page, the same for ever however often it is sent: incident, step, role, attempt (from 1)."""
    return f"{incident}#{step}.{role}.{attempt}"
