"""China Telecom CTWing (AEP): POST of one JSON message to the address that was subscribed.

`POST /push/<platform>/<key>`.  CTWing signs nothing and sets no header of ours: help.ctwing.cn, "HTTP消息推送", names
HTTPS and a client certificate as its whole security, so the key is in the path.  It takes only 200 for an answer, tries
three times, and after ten failures in a row pauses for a minute in which it pushes nothing: what is not understood is
therefore answered 200 as well, and kept in `rejects`.
"""

from gateway.push.keys import judged
from gateway.push.values import EMPTY, NO_POST, Outcome, Platform, Pushed, Request


def read(request: Request, platform: Platform) -> Outcome:
    """The message of a push."""
    refused = judged(request.rest[0] if request.rest else None, platform)
    if refused is not None:
        return refused
    if request.method != "POST":
        return NO_POST
    return Pushed((("", request.body),)) if request.body else EMPTY
