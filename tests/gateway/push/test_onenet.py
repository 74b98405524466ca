"""The signatures and the encrypted messages here were made with OpenSSL's own command, not with this code."""

import json

import pytest

from devices.events import Message
from devices.fleet import Device
from devices.formats import Known, table
from gateway.push.onenet import parsed_aes_key, read, signature_of
from gateway.push.values import Greeted, Pushed, Refused
from tests.gateway.push.requests import TOKEN, get, platform, post

NONCE = "kd8Gx2wq"
KEY = "whBx2ZwAU5LOHVimPj1MPx56QRe3OsGGWRe4dr17crV"
SHORT_KEY = "0123456789abcdef"
MSG = (
    '{"at":1539958211907,"type":1,"value":"1","imei":"865820035119960","dev_id":47254924,"ds_id":"3342_0_5500"}'
)  # fmt: skip
SIGNED = "af2xV+uQ9N/DeTeW7BpIWA=="
ENCRYPTED = (
    "6oPS9SVFx1Hk1TXZTEXSofjxvWeBm9HllzlrFcvXM5dydgHsCJ6Bqdog+n7boYLNvylU2aJwhTRGrf3RfMs5zp1qaaU6CKn30Feeb242rWkj6YRj"
    "x8LKo0Fb74Y16N7a+lmf1FFNBGaZguoq+9f+9IHeuw2p0Cp15ET7G5svO3w="
)
ENCRYPTED_SIGNED = "ghhGs4qNa1DlMmibrHasRA=="
ENCRYPTED_SHORT = (
    "h0M1U/42rZB2GOY3/jl1h7CAvsyo0Mh6CxGAXueLzFTyCF9h8guAMzW1BnCTvvCfjj0wgFsdo/c9byISl1+OmnAZfTbbSuxTPcVjDz9VVYNJiqBw"
    "gGjK9ugHO/JI7mbu/NYx5JT3T83ysC+Lmd92xw=="
)
ENCRYPTED_SHORT_SIGNED = "XHXhwiEgu7YLDwXk81h6WA=="
ONENET = platform("onenet", aes_key=parsed_aes_key(KEY))
TAKEN = Pushed((("", b'{"msg":' + MSG.encode() + b"}"),))


def body(**fields) -> bytes:
    """A push; `msg` as it stands, so that its spelling is the one that was signed."""
    raw = fields.pop("raw", None)
    text = json.dumps({"nonce": NONCE} | fields)
    return (text[:-1] + f', "msg": {raw}}}').encode() if raw else text.encode()


# The address.


@pytest.mark.parametrize(
    ("msg", "signature"),
    [
        ("hello", "4UyzdzpMLkvnwTqjuulOHQ=="),
        ("hello", "4UyzdzpMLkvnwTqjuulOHQ"),
        ("hello5", "P876MP//zE5ooh8E8rf1OA=="),
        ("hello5", "P876MP__zE5ooh8E8rf1OA"),
        ("hello3", "7xToBQNpOVpXs/+GAftRJA=="),
        ("hello3", "7xToBQNpOVpXs/ GAftRJA=="),
    ],
)
def test_the_address_is_verified_with_its_own_words(msg, signature):
    assert read(get(msg=msg, nonce=NONCE, signature=signature), ONENET) == Greeted(msg)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"nonce": NONCE, "signature": SIGNED}, 400),
        ({"msg": "hello", "nonce": NONCE}, 401),
        ({"msg": "hello", "nonce": NONCE, "signature": SIGNED}, 403),
        ({"msg": "hello", "nonce": "another1", "signature": "4UyzdzpMLkvnwTqjuulOHQ=="}, 403),
        ({"msg": "hello", "nonce": NONCE, "signature": "\udcff"}, 403),
    ],
)
def test_an_address_that_is_not_verified(query, status):
    refused = read(get(**query), ONENET)
    assert isinstance(refused, Refused)
    assert refused.status == status


# Pushes.


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        (body(raw=MSG, msg_signature=SIGNED), KEY),
        (body(msg=MSG, signature=SIGNED), KEY),
        (body(enc_msg=ENCRYPTED, msg_signature=ENCRYPTED_SIGNED), KEY),
        (body(msg=ENCRYPTED_SHORT, signature=ENCRYPTED_SHORT_SIGNED), SHORT_KEY),
    ],
)
def test_plain_and_encrypted_pushes_of_old_and_new_products_say_the_same(sent, key):
    onenet = platform("onenet", aes_key=parsed_aes_key(key))
    assert read(post(body=sent), onenet) == TAKEN
    row = Device(
        id="d", format="onenet", topic="push/onenet", where="household", place="g/1/1", grid="g",
        address="865820035119960",
    )  # fmt: skip
    [reading] = table()["onenet"].decode(Message("push/onenet", TAKEN.messages[0][1], 0), Known((row,)))
    assert (reading.kind, reading.open) == ("door", True)


def test_pushed_again_with_another_nonce_it_is_the_same_message():
    again = json.dumps({"msg": 0, "nonce": "another1", "msg_signature": signature_of(TOKEN, "another1", MSG.encode())})
    assert read(post(body=again.replace('"msg": 0', f'"msg": {MSG}').encode()), ONENET) == TAKEN


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (body(raw=MSG), 401),
        (body(raw=MSG, msg_signature=""), 401),
        (body(raw=MSG.replace('"1"', '"0"'), msg_signature=SIGNED), 403),
        (body(raw=MSG, msg_signature=ENCRYPTED_SIGNED), 403),
        (body(enc_msg=ENCRYPTED), 401),
        (body(enc_msg=ENCRYPTED, msg_signature=SIGNED), 403),
        (body(enc_msg=ENCRYPTED[:-4], msg_signature=signature_of(TOKEN, NONCE, ENCRYPTED[:-4].encode())), 400),
        (body(enc_msg="!!!", msg_signature=signature_of(TOKEN, NONCE, b"!!!")), 400),
        (body(enc_msg="A" * 64, msg_signature=signature_of(TOKEN, NONCE, b"A" * 64)), 400),
        (body(enc_msg=ENCRYPTED_SHORT, msg_signature=signature_of(TOKEN, NONCE, ENCRYPTED_SHORT.encode())), 400),
        (b"", 400),
        (b"{}", 400),
        (b"[]", 400),
        (b'{"msg":', 400),
        (b"\xff\xfe", 400),
        (b"[" * 5000, 400),
        (b'{"msg":"\\ud800","nonce":"","signature":"x"}', 400),
        (b'{"msg":{},"nonce":7}', 400),
    ],
)
def test_a_push_that_is_not_onenets_or_says_nothing(sent, status):
    refused = read(post(body=sent), ONENET)
    assert isinstance(refused, Refused)
    assert refused.status == status


def test_an_encrypted_push_without_a_key():
    sent = body(enc_msg=ENCRYPTED, msg_signature=ENCRYPTED_SIGNED)
    refused = read(post(body=sent), platform("onenet"))
    assert isinstance(refused, Refused)
    assert "aes_key_file" in refused.detail


@pytest.mark.parametrize(("text", "size"), [(KEY, 32), (KEY + "=\n", 32), (SHORT_KEY, 16), ("", None), ("x", None)])
def test_keys_as_the_console_shows_them(text, size):
    key = parsed_aes_key(text)
    assert (None if key is None else len(key)) == size


def test_another_method():
    refused = read(post(method="PUT"), ONENET)
    assert isinstance(refused, Refused)
    assert refused.status == 405
