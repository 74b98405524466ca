"""The wire of Protocol Buffers, as much of it as Sparkplug B needs: fields of one message, strictly bounded.

A message is a run of (number, wire type, value).  Groups are refused: they were given up long before Sparkplug.
"""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Value = int | bytes


class WireError(ValueError):
    """Bytes that are no message."""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at` and where it ends."""
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise WireError("a number that does not end")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
        shift += 7


def fields(data: bytes, most: int) -> Iterator[tuple[int, int, Value]]:
    """Field number, wire type and value of each field, in order.  Raises WireError; `most` fields are read."""
    at, end, count = 0, len(data), 0
    while at < end:
        count += 1
        if count > most:
            raise WireError(f"more than {most} fields")
        key = data[at]
        if key < 0x80:
            at += 1
        else:
            key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise WireError("a field without a number")
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            length, at = _varint(data, at)
        elif wire == FIXED64:
            length = 8
        elif wire == FIXED32:
            length = 4
        else:
            raise WireError("a group, or a wire type that does not exist")
        if length > end - at:
            raise WireError("a field longer than the message")
        yield number, wire, data[at : at + length]
        at += length
