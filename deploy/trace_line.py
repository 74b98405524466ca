"""One line of a trace, as `replay` reads it: messages with their bytes as they were, and commands."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import msgspec

CHINA = timezone(timedelta(hours=8))
_json = msgspec.json.Decoder()


def time_text(at_ms: int, zone: tzinfo = CHINA) -> str:
    """`2020-02-16T09:30:00+08:00`, with milliseconds where there are any."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone)
    if at_ms % 1000:
        return moment.replace(microsecond=at_ms % 1000 * 1000).isoformat(timespec="milliseconds")
    return moment.isoformat(timespec="seconds")


def message_line(at_ms: int, topic: str, payload: bytes, *, retained: bool = False, zone: tzinfo = CHINA) -> bytes:
    """A message.  Its payload stands as JSON where it is JSON, else as text or base64: the same bytes come back."""
    head = f'{{"t":"{time_text(at_ms, zone)}","topic":{json.dumps(topic, ensure_ascii=False)},'
    tail = b',"retain":true}\n' if retained else b"}\n"
    return head.encode("utf-8", "surrogatepass") + _payload(payload) + tail


def command_line(at_ms: int, command: dict[str, Any], zone: tzinfo = CHINA) -> bytes:
    """A command and its fields."""
    return (
        json.dumps({"t": time_text(at_ms, zone), **command}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    )


def _payload(payload: bytes) -> bytes:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return b'"base64":"' + base64.b64encode(payload) + b'"'
    if _stands_as_it_is(payload):
        return b'"payload":' + payload
    return b'"payload":' + json.dumps(text, ensure_ascii=False).encode()


def _stands_as_it_is(payload: bytes) -> bool:
    """Whether a reader of JSON finds these very bytes as the value: no text (its quotes would go), and on one line."""
    if not payload or payload[:1] in b'" \t\r\n' or payload[-1:] in b" \t\r\n" or b"\n" in payload or b"\r" in payload:
        return False
    if payload == b"null":
        return False
    try:
        _json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
