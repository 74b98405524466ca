from typing import get_args

from devices.fleet import PlatformKind
from gateway.push import KINDS
from gateway.push.values import EMPTY, NO_KEY, NO_POST, WRONG_KEY, Refused
from tests.gateway.push.requests import get, platform, post


def test_every_kind_of_platform_has_a_reader():
    assert set(KINDS) == set(get_args(PlatformKind))


def test_nobody_is_let_in_without_a_key_or_a_signature():
    for kind, read in KINDS.items():
        for request in (post(), get(), post("x", body=b'{"msg":{}}'), get("", msg="hello")):
            outcome = read(request, platform(kind))
            assert isinstance(outcome, Refused)
            assert outcome.status in (400, 401, 403), (kind, request)
            # A row without a secret is opened by nothing, not by an empty one either.
            shut = read(request, platform(kind, key_sha256="", token=""))
            assert isinstance(shut, Refused)


def test_refusals_say_what_is_wrong_in_words():
    for refused in (NO_KEY, WRONG_KEY, NO_POST, EMPTY):
        assert " " in refused.detail
