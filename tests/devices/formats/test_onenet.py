import json

from devices.events import Rejected
from devices.formats.onenet import recognise
from tests.devices.formats.routing import door, known_of, take

KNOWN = known_of(door("onenet", "push", address="8658"))


def point(value, ds="3342_0_5500", **said):
    return {"type": 1, "imei": "8658", "ds_id": ds, "value": value, **said}


def push(*points):
    return json.dumps({"msg": list(points), "nonce": "x"}).encode()


def test_a_batch_with_spaces_or_without():
    for separators in ((",", ":"), (", ", ": ")):
        payload = json.dumps({"msg": [point(1), point(0)]}, separators=separators).encode()
        answer = take(KNOWN, "push", payload)
        assert isinstance(answer, list)
        assert [reading.open for reading in answer] == [True, False]


def test_one_point_that_cannot_be_read_refuses_the_push():
    """A push is acknowledged as a whole: nothing of it may be lost in silence."""
    assert isinstance(take(KNOWN, "push", push(point(1), point("ajar"))), Rejected)


def test_a_push_of_too_many_points():
    answer = take(KNOWN, "push", push(*[point(1)] * 101))
    assert isinstance(answer, Rejected)
    assert answer.reason == "too-large"


def test_what_it_recognises():
    found = recognise("push", push(point(1, dev_id=7)))
    assert found is not None
    assert found.address == "8658"
    warm = recognise("push", push(point(36.5, ds="3303_0_5700")))
    assert warm is not None
    assert warm.sort == "thermometer"
    assert recognise("push", push(point(3, ds="3_0_9"))) is None
