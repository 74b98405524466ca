"""The platforms of a fleet with their secrets, read from the files that the rows name."""

from collections.abc import Mapping
from pathlib import Path

from devices.edge.complaints import Collector
from devices.fleet import Fleet
from gateway.push.onenet import parsed_aes_key
from gateway.push.values import Platform

_LONGEST_BYTES = 4096


def platforms(fleet: Fleet, file: str) -> Mapping[str, Platform]:
    """Every platform by its id.  Raises Complaint about the row of `file` whose secret cannot be had."""
    into = Collector(file)
    found: dict[str, Platform] = {}
    for row in fleet.platforms.values():
        token = _secret(row.token_file, "token_file", row.line, into)
        key_text = _secret(row.aes_key_file, "aes_key_file", row.line, into)
        key = parsed_aes_key(key_text) if key_text else b""
        if key is None:
            into.add(row.line, f"{row.aes_key_file} holds no key of OneNET's", "43 signs of base64, or 16 signs")
        found[row.id] = Platform(
            id=row.id, kind=row.kind, topic=row.topic, key_sha256=row.secret_sha256, token=token, aes_key=key or b""
        )
    into.done()
    return found


def _secret(path: str, key: str, line: int, into: Collector) -> str:
    if not path:
        return ""
    try:
        with Path(path).open("rb") as file:
            text = file.read(_LONGEST_BYTES).decode("utf-8").strip()
    except OSError as error:
        into.add(line, f"{key}: {path} cannot be read: {error.strerror or error}", "put it there or mend the path")
    except UnicodeDecodeError:
        into.add(line, f"{key}: {path} is no text", "it holds one line")
    else:
        if not text:
            into.add(line, f"{key}: {path} is empty", "put the secret into it, in one line")
        return text
    return ""
