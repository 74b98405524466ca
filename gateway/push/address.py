"""The address of a push: `/push/<platform>/<what follows>?<query>`, as it came in a request."""

from urllib.parse import parse_qsl, unquote

from gateway.push.values import Refused, Request

PREFIX = "push"
_MOST_LEVELS = 8
_MOST_PARAMETERS = 50


def parsed(method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[str, Request] | Refused | None:
    """The platform's id and its request; None where the address is none of a push.

    Bytes that are no UTF-8 become U+FFFD: they equal no key and no name.
    """
    path, _, query = target.partition("?")
    levels = path.split("/")
    if len(levels) < 3 or levels[0] or levels[1] != PREFIX or not levels[2]:
        return None
    if len(levels) > _MOST_LEVELS:
        return Refused(400, "unknown-topic", f"more than {_MOST_LEVELS} levels in the address")
    platform, *rest = [unquote(level) for level in levels[2:]]
    if rest and not rest[-1]:
        rest.pop()  # `/push/ttn-1/`
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return Refused(400, "malformed", f"more than {_MOST_PARAMETERS} parameters in the address")
    said: dict[str, str] = {}
    for name, value in pairs:
        said.setdefault(name, value)
    return platform, Request(method=method, rest=tuple(rest), query=said, headers=headers, body=body)
