import pytest

from gateway.push.address import parsed
from gateway.push.values import Refused, Request


def of(target: str):
    return parsed("POST", target, {}, b"")


@pytest.mark.parametrize(
    ("target", "platform", "rest", "query"),
    [
        ("/push/ttn-1", "ttn-1", (), {}),
        ("/push/ttn-1/", "ttn-1", (), {}),
        ("/push/ttn-1/up", "ttn-1", ("up",), {}),
        ("/push/s/k%2Fey/dev/open?a=1&a=2&b=", "s", ("k/ey", "dev", "open"), {"a": "1", "b": ""}),
        ("/push/o?msg=a%20b&signature=x+y%2Bz", "o", (), {"msg": "a b", "signature": "x y+z"}),
        ("/push/%E9%97%A8/x", "门", ("x",), {}),
        ("/push/a/%ff", "a", ("�",), {}),
        ("/push/a/../b", "a", ("..", "b"), {}),
    ],
)
def test_an_address_in_its_parts(target, platform, rest, query):
    found = of(target)
    assert isinstance(found, tuple)
    assert (found[0], found[1]) == (platform, Request(method="POST", rest=rest, query=query))


@pytest.mark.parametrize(
    "target", ["", "/", "/push", "/push/", "push/x", "*", "http://h/push/x", "//push/x", "/Push/x"]
)
def test_what_is_no_address_of_a_push(target):
    assert of(target) is None


@pytest.mark.parametrize("target", ["/push/a" + "/b" * 20, "/push/a?" + "&".join(f"n{n}=1" for n in range(60))])
def test_an_address_with_too_many_parts(target):
    assert isinstance(of(target), Refused)
