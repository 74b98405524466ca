from devices.formats.aqara import recognise
from tests.devices.formats.routing import door, known_of, one, take

KNOWN = known_of(door("aqara", "aqara/gw", address="158d00020e8344"))


def said(cmd, data):
    return b'{"cmd":"%b","model":"magnet","sid":"158D00020E8344","data":%b}' % (cmd.encode(), data)


def test_a_report_is_an_event_and_the_rest_are_states():
    reports = {
        cmd: one(take(KNOWN, "aqara/gw", said(cmd, b'"{\\"status\\":\\"open\\"}"'))).report
        for cmd in ("report", "heartbeat", "read_ack")
    }
    assert reports == {"report": "live", "heartbeat": "periodic", "read_ack": "periodic"}


def test_no_close_beside_a_status_is_that_status():
    reading = one(take(KNOWN, "aqara/gw", said("report", b'{"status":"close","no_close":"60"}')))
    assert (reading.open, reading.report) == (False, "live")


def test_the_line_of_a_low_battery():
    low = [one(take(KNOWN, "aqara/gw", said("heartbeat", b'{"voltage":%d}' % mv))).battery_low for mv in (2799, 2800)]
    assert low == [True, False]


def test_what_it_recognises():
    found = recognise("aqara/gw", said("report", b'"{}"'))
    assert found is not None
    assert found.address == "158D00020E8344"
    assert recognise("aqara/gw", b'{"cmd":"heartbeat","model":"gateway","sid":"1"}') is None
    assert recognise("aqara/gw", b'{"cmd":"report","model":"motion","sid":"1"}') is None
