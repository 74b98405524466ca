"""The Things Stack version 3 (The Things Network): webhooks, POST of the message that MQTT carries.

`POST /push/<platform>[/<path of the event>]`, the key in a header: the webhook's "additional headers" or its basic
authentication (thethingsindustries.com/docs/integrations/webhooks/creating-webhooks; the webhook's field `headers` in
its API).  The header `X-Downlink-Apikey` that it sends by itself is the key for answering a device: it is not ours to
compare, and is not kept.  A path configured for an event is appended to the base address.
"""

from gateway.push.keys import judged, shown_in_headers
from gateway.push.values import EMPTY, NO_POST, Outcome, Platform, Pushed, Request


def read(request: Request, platform: Platform) -> Outcome:
    """The message of a push, whatever the event: the format tells an uplink from a notice."""
    refused = judged(shown_in_headers(request), platform)
    if refused is not None:
        return refused
    if request.method != "POST":
        return NO_POST
    return Pushed((("", request.body),)) if request.body else EMPTY
