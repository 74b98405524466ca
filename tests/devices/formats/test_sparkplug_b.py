import json

from devices.formats.sparkplug_b import recognise
from tests.devices.formats.routing import device, door, known_of, one, take


def said(kind, *metrics, who="E1/D1", seq=1):
    edge, _, dev = who.partition("/")
    topic = {"groupId": "G", "edgeNodeId": edge, "type": kind, **({"deviceId": dev} if dev else {})}
    return "spBv1.0/G", json.dumps({"topic": topic, "payload": {"seq": seq, "metrics": list(metrics)}}).encode()


def fresh(**options):
    return known_of(door("sparkplug-b", "spBv1.0/G", address="G/E1/D1", options=options))


def memory(known):
    (found,) = {id(owner.memory): owner.memory for owner in known.values()}.values()
    return found


def test_an_alias_of_the_nodes_own_birth_serves_its_devices():
    known = fresh()
    take(known, *said("NBIRTH", {"name": "D1/Open", "alias": 4}, {"name": "bdSeq", "value": 0}, who="E1"))
    assert one(take(known, *said("DDATA", {"alias": 4, "value": True}))).open is True


def test_a_new_birth_renames_the_aliases():
    known = fresh()
    take(known, *said("DBIRTH", {"name": "Open", "alias": 1}, {"name": "Battery", "alias": 2}))
    take(known, *said("DBIRTH", {"name": "Open", "alias": 2}, {"name": "Battery", "alias": 1}))
    reading = one(take(known, *said("DDATA", {"alias": 2, "value": False}, {"alias": 1, "value": 40})))
    assert (reading.open, reading.battery_percent) == (False, 40)


def test_a_death_without_a_birth_is_believed():
    assert one(take(fresh(), *said("NDEATH", {"name": "bdSeq", "value": 3}, who="E1"))).online is False


def test_a_death_takes_only_its_own_devices():
    rows = [{"id": f"d{n}", "topic": "spBv1.0/G", "household": "g/1/1", "address": f"G/E{n}/D"} for n in (1, 10)]
    known = known_of(*(device(row, "sparkplug-b") for row in rows))
    assert one(take(known, *said("NDEATH", who="E1"))).device == "d1"


def test_the_metric_that_the_row_names_is_the_door_and_no_other():
    known = fresh(metric="DI/4")
    reading = one(take(known, *said("DDATA", {"name": "Open", "value": True}, {"name": "Battery", "value": 9})))
    assert (reading.open, reading.battery_percent) == (None, 9)


def test_only_metrics_that_are_read_are_remembered():
    known = fresh()
    take(known, *said("DBIRTH", *({"name": f"M{n}", "alias": n} for n in range(150)), {"name": "Open", "alias": 200}))
    assert memory(known)["g/e1/d1"]["aliases"] == {"200": "Open"}


def test_nothing_of_strangers_is_remembered():
    known = fresh()
    for n in range(100):
        take(known, *said("NBIRTH", {"name": "bdSeq", "value": n}, who=f"X{n}"))
        take(known, *said("DBIRTH", {"name": "Open", "alias": 1}, who=f"X{n}/D1"))
    assert memory(known) == {}


def test_what_is_remembered_is_bounded():
    rows = [{"id": f"d{n}", "topic": "spBv1.0/G", "household": "g/1/1", "address": f"G/E{n}/D"} for n in range(1200)]
    known = known_of(*(device(row, "sparkplug-b") for row in rows))
    for n in range(1200):
        take(known, *said("NBIRTH", {"name": "bdSeq", "value": n}, who=f"E{n}"))
    assert len(memory(known)) == 1000


def test_what_it_recognises():
    topic = "spBv1.0/G/DBIRTH/E1/D1"
    found = recognise(topic, said("DBIRTH", {"name": "Open", "value": True})[1])
    assert found is not None
    assert (found.topic, found.address, found.word) == ("spBv1.0/G", "G/E1/D1", "")
    wired = recognise(topic, said("DBIRTH", {"name": "Contact", "value": False})[1])
    assert wired is not None
    assert wired.word == "0"
    assert recognise(topic, said("DBIRTH", {"name": "Pressure", "value": 1})[1]) is None
    assert recognise("other", said("DBIRTH", {"name": "Open", "value": True})[1]) is None
    assert recognise(topic, b"\xff") is None
