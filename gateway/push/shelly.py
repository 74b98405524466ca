"""Shelly webhooks: GET of an address that the installer writes into the device, one for each thing that happens.

- Door/Window 1 and 2 (first generation, "Actions"): `GET /push/<platform>/<key>/<device>/open`, `…/close`, and
  `…/report` for its wake-up.
- BLU Door/Window behind a Shelly of the second generation or later ("Webhook"):
  `GET /push/<platform>/<key>/<gateway>/bthomesensor:200?value=${ev.value}`.  What stands in `${…}` is put in by the
  device (shelly-api-docs.shelly.cloud/gen2, "Webhook": URLs may hold `${ev.…}`, `${status[…]…}`).

A Shelly signs nothing and sets no header, so the key is in the path.  Parameters that it adds by itself are passed
over but `battery`.  It tries once: where the gateway is away a webhook is lost, MQTT keeps trying.  Prefer MQTT.
"""

import json

from gateway.push.keys import judged
from gateway.push.values import Outcome, Platform, Pushed, Refused, Request

_STATES = frozenset({"open", "close"})
_VALUES = {"true": True, "1": True, "false": False, "0": False}
_NOT_UNDERSTOOD = Refused(400, "unknown-topic", "the address ends with neither open, close, report nor bthomesensor:N")


def read(request: Request, platform: Platform) -> Outcome:
    """The messages that a Shelly with MQTT would have published, below `<platform's topic>/<device>`."""
    refused = judged(request.rest[0] if request.rest else None, platform)
    if refused is not None:
        return refused
    if request.method not in ("GET", "POST"):
        return Refused(405, "malformed", "a webhook comes with GET")
    if len(request.rest) != 3:
        return _NOT_UNDERSTOOD
    _, device, what = request.rest
    if not device or any(sign in device for sign in "/+#") or not device.isprintable():
        return Refused(400, "unknown-topic", "the address names no device")
    if what.startswith("bthomesensor:"):
        return _blu(device, what, request.query.get("value", ""))
    battery = request.query.get("battery", "")
    beside = ((f"{device}/sensor/battery", battery.encode("utf-8", "surrogatepass")),) if battery else ()
    if what in _STATES:
        return Pushed(((f"{device}/sensor/state", what.encode()), *beside))
    if what == "report":
        return Pushed(((f"{device}/online", b"true"), *beside))
    return _NOT_UNDERSTOOD


def _blu(gateway: str, component: str, said: str) -> Outcome:
    value: bool | float | None = _VALUES.get(said.lower())
    if value is None:
        try:
            value = float(said)
        except ValueError:
            return Refused(400, "malformed", "the webhook's value is neither true, false nor a number")
        if not -1e9 < value < 1e9:
            return Refused(400, "malformed", "the webhook's value is no value of a sensor")
    status = {"method": "NotifyStatus", "params": {component[:40]: {"value": value}}}
    return Pushed(((f"{gateway}/events/rpc", json.dumps(status).encode()),))
