"""Platforms and requests for the tests of pushes."""

from hashlib import sha256

from gateway.push.values import Platform, Request

KEY = "a long key of nobody's"
TOKEN = "abcdefghijkmlnopqrstuvwxyz"


def platform(kind="ctwing", **fields) -> Platform:
    given = {"id": f"{kind}-1", "kind": kind, "topic": f"push/{kind}"}
    given |= {"token": TOKEN} if kind == "onenet" else {"key_sha256": sha256(KEY.encode()).hexdigest()}
    return Platform(**(given | fields))


def post(*rest: str, body: bytes = b"{}", **fields) -> Request:
    return Request(**({"method": "POST", "rest": rest, "body": body} | fields))


def get(*rest: str, **query: str) -> Request:
    return Request(method="GET", rest=rest, query=query)
