import pytest

from gateway.push.chirpstack import read
from gateway.push.values import EMPTY, NO_KEY, NO_POST, Pushed, Refused, Request
from tests.gateway.push.requests import KEY, platform, post

SHOWN = {"x-threshold-key": KEY}


@pytest.mark.parametrize("event", ["up", "join", "status", "txack", "log"])
def test_the_event_of_the_query_becomes_that_of_the_topic(event):
    pushed = read(post(body=b"{}", query={"event": event}, headers=SHOWN), platform("chirpstack"))
    assert pushed == Pushed(((f"event/{event}", b"{}"),))


def test_what_is_refused():
    chirpstack = platform("chirpstack")
    assert read(post(query={"event": "up"}), chirpstack) == NO_KEY
    assert read(Request(method="GET", headers=SHOWN), chirpstack) == NO_POST
    assert read(post(body=b"", headers=SHOWN), chirpstack) == EMPTY
    for query in ({}, {"event": ""}, {"event": "../x"}, {"event": "UP"}):
        refused = read(post(query=query, headers=SHOWN), chirpstack)
        assert isinstance(refused, Refused)
        assert (refused.status, refused.reason) == (400, "unknown-topic")
