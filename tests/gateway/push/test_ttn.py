from gateway.push.ttn import read
from gateway.push.values import EMPTY, NO_KEY, NO_POST, Pushed, Request
from tests.gateway.push.requests import KEY, platform, post

SHOWN = {"authorization": f"Bearer {KEY}"}


def test_every_event_is_a_message_of_the_platform():
    for path in ((), ("up",), ("join",), ("a", "b")):
        assert read(post(*path, body=b'{"x":1}', headers=SHOWN), platform("ttn")) == Pushed((("", b'{"x":1}'),))


def test_what_is_refused():
    assert read(post(KEY), platform("ttn")) == NO_KEY, "its key is in a header, where no log writes it"
    assert read(Request(method="GET", headers=SHOWN), platform("ttn")) == NO_POST
    assert read(post(body=b"", headers=SHOWN), platform("ttn")) == EMPTY
