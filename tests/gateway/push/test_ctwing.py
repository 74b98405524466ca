from gateway.push.ctwing import read
from gateway.push.values import EMPTY, NO_KEY, NO_POST, WRONG_KEY, Pushed
from tests.gateway.push.requests import KEY, get, platform, post


def test_the_body_is_the_message():
    assert read(post(KEY, body=b'{"deviceId":"x"}'), platform()) == Pushed((("", b'{"deviceId":"x"}'),))


def test_what_is_refused():
    assert read(post(), platform()) == NO_KEY
    assert read(post("x"), platform()) == WRONG_KEY
    assert read(post(headers={"x-threshold-key": KEY}), platform()) == NO_KEY, "CTWing sets no header of ours"
    assert read(get(KEY), platform()) == NO_POST
    assert read(post(KEY, body=b""), platform()) == EMPTY
