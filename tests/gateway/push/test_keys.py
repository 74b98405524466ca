import base64

import pytest

from gateway.push.keys import judged, shown_in_headers
from gateway.push.values import NO_KEY, WRONG_KEY
from tests.gateway.push.requests import KEY, platform, post


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({"x-threshold-key": KEY}, KEY),
        ({"authorization": f"Bearer {KEY}"}, KEY),
        ({"authorization": f"bearer {KEY}"}, KEY),
        ({"authorization": basic(f"anybody:{KEY}")}, KEY),
        ({"authorization": basic("no colon")}, ""),
        ({"authorization": "Basic !!!"}, None),
        ({"authorization": "Basic /w=="}, None),
        ({"authorization": "Digest x"}, None),
        ({"authorization": KEY}, None),
        ({"x-downlink-apikey": KEY}, None),
    ],
)
def test_where_a_key_is_shown(headers, key):
    assert shown_in_headers(post(headers=headers)) == key


@pytest.mark.parametrize(
    ("key", "verdict"),
    [(KEY, None), (None, NO_KEY), ("", NO_KEY), (KEY + " ", WRONG_KEY), (KEY[:-1], WRONG_KEY), ("\udcff", WRONG_KEY)],
)
def test_only_the_platforms_own_key_opens(key, verdict):
    assert judged(key, platform()) == verdict


def test_the_hash_itself_is_no_key():
    assert judged(platform().key_sha256, platform()) == WRONG_KEY
