"""The wire of Protocol Buffers, as much of it as Sparkplug B needs: fields of one message, strictly bounded.

A message is a run of (number, wire type, value).  Groups are refused: they were given up long before Sparkplug.
"""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Value = int | bytes
Field = tuple[int, int, Value]


class WireError(ValueError):
    """Bytes that are no message."""


def fields(data: bytes, most: int) -> list[Field]:
    """Field number, wire type and value of each field, in order.  Raises WireError; at most `most` fields are read.

    One loop without a function call for each number: a birth certificate has a few hundred of them.
    """
    found: list[Field] = []
    at, end = 0, len(data)
    try:
        while at < end:
            if len(found) >= most:
                raise WireError(f"more than {most} fields")
            key = data[at]
            at += 1
            if key > 0x7F:
                key, at = longer(data, at, key)
            number, wire = key >> 3, key & 7
            if wire in (VARINT, BYTES):
                value = data[at]
                at += 1
                if value > 0x7F:
                    value, at = longer(data, at, value)
            elif wire == FIXED64:
                value = 8
            elif wire == FIXED32:
                value = 4
            else:
                raise WireError("a group, or a wire type that does not exist")
            if number == 0:
                raise WireError("a field without a number")
            if wire == VARINT:
                found.append((number, wire, value))
                continue
            stop = at + value
            if stop > end:
                raise WireError("a field longer than the message")
            found.append((number, wire, data[at:stop]))
            at = stop
    except IndexError:
        raise WireError("a number that does not end") from None
    return found


def skipped(data: bytes, at: int, key: int) -> int:
    """Where a field ends whose `key` was read and that nobody reads.  Raises WireError, or IndexError at the end."""
    if key > 0x7F:
        key, at = longer(data, at, key)
    wire = key & 7
    if key >> 3 == 0:
        raise WireError("a field without a number")
    if wire == FIXED64:
        return at + 8
    if wire == FIXED32:
        return at + 4
    if wire not in (VARINT, BYTES):
        raise WireError("a group, or a wire type that does not exist")
    value = data[at]
    at += 1
    if value > 0x7F:
        value, at = longer(data, at, value)
    return at + value if wire == BYTES else at


def longer(data: bytes, at: int, first: int) -> tuple[int, int]:
    """A number of more than one byte, whose `first` was read, and where it ends.  Raises IndexError at the end."""
    number, shift = first & 0x7F, 7
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
        if shift > 63:
            raise WireError("a number of more than ten bytes")
