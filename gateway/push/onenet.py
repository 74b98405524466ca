"""China Mobile OneNET: the address is verified once with GET, then data is pushed with POST.

`GET /push/<platform>?msg=…&nonce=…&signature=…` wants `msg` back, and nothing else.  `POST /push/<platform>` carries
`{"msg": {…}, "nonce": …, "msg_signature": …}`, or `enc_msg` for `msg` where encryption was chosen.  The signature is
base64 of MD5 over token, nonce and msg as it stands in the body (encrypted: over `enc_msg`).  The maker's own receivers
(cm-heclouds/data-push, PHP and Java) and its page (open.iot.10086.cn, "HTTP推送, 开发指南") say so; of these:

- base64 in a query loses its `+` to a space, and may come without its `=`: both are taken;
- the key of the encryption is 43 signs of base64, AES-256-CBC, its first 16 bytes the initial vector; 16 random bytes
  and a length of 4 come before the message;
- newer products write `msg` as a text, sign it under `signature`, and encrypt that text with a key of 16 bytes, which
  is its own initial vector, with nothing before the message.

MD5 and a vector that never changes are the maker's choice: the push must come over TLS all the same.
"""

import base64
import binascii
import json
from hashlib import md5
from hmac import compare_digest

import msgspec

from gateway.push.values import EMPTY, Greeted, Outcome, Platform, Pushed, Refused, Request

_BEFORE_BYTES = 16
_LENGTH_BYTES = 4
_BLOCK_BYTES = 16

_NOT_SIGNED = Refused(401, "forbidden-topic", "the push is not signed")
_WRONGLY_SIGNED = Refused(403, "forbidden-topic", "the signature is not that of OneNET's token")
_NO_PUSH = Refused(400, "malformed", "no push of OneNET: a JSON object with msg or enc_msg")
_NO_KEY = Refused(400, "malformed", "the push is encrypted, and the row names no aes_key_file")
_NOT_READABLE = Refused(400, "malformed", "the push does not decrypt with the row's key")


class _Body(msgspec.Struct):
    msg: msgspec.Raw = msgspec.Raw()
    enc_msg: str = ""
    nonce: str = ""
    msg_signature: str = ""
    signature: str = ""


_decoder = msgspec.json.Decoder(_Body)


def signature_of(token: str, nonce: str, msg: bytes) -> str:
    """Base64 of MD5 over the three, as OneNET writes it."""
    # The maker's scheme, not ours to choose; a short digest of a secret in front of what it vouches for.
    digest = md5(token.encode() + nonce.encode("utf-8", "surrogatepass") + msg, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def parsed_aes_key(text: str) -> bytes | None:
    """The key as OneNET's console shows it, 43 signs of base64, or 16 signs that are the key; None for all else."""
    text = text.strip()
    if len(text) == 16 and text.isascii():
        return text.encode()
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == 32 else None


def read(request: Request, platform: Platform) -> Outcome:
    """The message of a push, or the answer to the verification of the address."""
    if request.method == "GET":
        return _verified(request, platform)
    if request.method != "POST":
        return Refused(405, "malformed", "OneNET pushes with POST and verifies with GET")
    if not request.body:
        return EMPTY
    try:
        body = _decoder.decode(request.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NO_PUSH
    msg = bytes(body.msg)
    signed = body.enc_msg.encode("utf-8", "surrogatepass") if body.enc_msg else msg
    # A text is signed as it reads, an object as it is written.
    is_text = not body.enc_msg and msg[:1] == b'"'
    if is_text:
        signed = _text(msg)
    if not signed:
        return _NO_PUSH
    refused = _judged(body.msg_signature or body.signature, body.nonce, signed, platform)
    if refused is not None:
        return refused
    if body.enc_msg or (is_text and signed[:1] not in (b"{", b"[")):
        return _decrypted(signed, platform)
    # Without its nonce: pushed again with another, it is the same message still.
    return Pushed((("", b'{"msg":' + signed + b"}"),))


def _text(raw: bytes) -> bytes:
    try:
        return msgspec.json.decode(raw, type=str).encode("utf-8", "surrogatepass")
    except msgspec.MsgspecError:
        return b""


def _verified(request: Request, platform: Platform) -> Outcome:
    msg = request.query.get("msg", "")
    if not msg:
        return Refused(400, "malformed", "the verification of the address has no msg")
    said = request.query.get("signature", "").replace(" ", "+")
    signed = msg.encode("utf-8", "surrogatepass")
    return _judged(said, request.query.get("nonce", ""), signed, platform) or Greeted(msg)


def _judged(said: str, nonce: str, signed: bytes, platform: Platform) -> Refused | None:
    if not said:
        return _NOT_SIGNED
    # One of the maker's receivers compares the alphabet of addresses (RFC 4648, 5): the same bytes.
    given = said.rstrip("=").replace("-", "+").replace("_", "/").encode("utf-8", "surrogatepass")
    right = signature_of(platform.token, nonce, signed).rstrip("=").encode()
    return None if platform.token and compare_digest(given, right) else _WRONGLY_SIGNED


def _decrypted(secret: bytes, platform: Platform) -> Outcome:
    if not platform.aes_key:
        return _NO_KEY
    # A gateway that no OneNET pushes to does without the library.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        data = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return _NOT_READABLE
    if not data or len(data) % _BLOCK_BYTES:
        return _NOT_READABLE
    key = platform.aes_key
    reader = Cipher(algorithms.AES(key), modes.CBC(key[:_BLOCK_BYTES])).decryptor()
    plain = reader.update(data) + reader.finalize()
    padding = plain[-1]
    # PKCS#7 over 16 or (as the maker's older receivers do) 32 bytes.
    if not 1 <= padding <= 32 or plain[-padding:] != bytes([padding]) * padding:
        return _NOT_READABLE
    said = plain[:-padding]
    begun = _BEFORE_BYTES + _LENGTH_BYTES
    if len(key) == 32:
        length = int.from_bytes(said[_BEFORE_BYTES:begun], "big")
        if len(said) < begun or length != len(said) - begun:
            return _NOT_READABLE
        said = said[begun:]
    try:
        json.loads(said)
    except (ValueError, RecursionError):
        return _NOT_READABLE
    return Pushed((("", b'{"msg":' + said + b"}"),))
