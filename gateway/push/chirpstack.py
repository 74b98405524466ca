"""ChirpStack: the HTTP integration, POST with the kind of event in the query.

`POST /push/<platform>?event=up`, the key in a header of the integration (ChirpStack's API: `HttpIntegration` has
`headers` and `event_endpoint_url`, "the request will contain a query parameter event").  The integration must encode
JSON.  An answer other than 200 holds ChirpStack's own work up (chirpstack/chirpstack#364): what is not understood is
answered 200 and kept in `rejects`.
"""

from gateway.push.keys import judged, shown_in_headers
from gateway.push.values import EMPTY, NO_POST, Outcome, Platform, Pushed, Refused, Request

_EVENTS = frozenset({"up", "join", "status", "ack", "txack", "log", "location", "integration"})


def read(request: Request, platform: Platform) -> Outcome:
    """The message of a push, on the topic `<platform's topic>/event/<event>` as over MQTT."""
    refused = judged(shown_in_headers(request), platform)
    if refused is not None:
        return refused
    if request.method != "POST":
        return NO_POST
    if not request.body:
        return EMPTY
    event = request.query.get("event", "")
    if event not in _EVENTS:
        return Refused(400, "unknown-topic", "the query names no event of ChirpStack: ?event=up")
    return Pushed(((f"event/{event}", request.body),))
