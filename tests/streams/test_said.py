from tests.streams.core import HOME, Core, ms


def test_by_its_own_number_a_message_is_heard_once() -> None:
    core = Core()
    core.at("09:00").closes(id="00000000000000a1", has_cause=True)
    core.at("09:01").opens(id="00000000000000a2", has_cause=True)
    core.at("09:02").closes(id="00000000000000a3", has_cause=True)
    core.effects.clear()
    core.at("09:03").opens(id="00000000000000a2", has_cause=True)
    assert core.said() == []


def test_sent_again_by_mqtt_it_is_the_same_otherwise_another() -> None:
    core = Core()
    core.reads(37.0, "A-1", id="00000000000000b1")
    core.reads(37.0, "A-1", id="00000000000000b1", redelivered=True)
    assert "raised fever" not in core.said()
    core.reads(37.0, "A-1", id="00000000000000b1")
    assert "raised fever" in core.said()


def test_ids_kept_are_bounded() -> None:
    core = Core()
    for n in range(1000):
        core.closes(id=f"{n:016x}", has_cause=True)
    sensor = core.engine.records["d:door"]
    assert len(sensor.seen) <= 512  # type: ignore[union-attr]


def test_a_device_nobody_told_of_decides_nothing_and_breaks_nothing() -> None:
    core = Core()
    core.device("loose", "g017/9/0001")
    del core.engine.records["p:g017/9/0001"]
    core.opens("loose")
    assert core.said() == []


def test_shelly_reasons_join_within_two_seconds() -> None:
    for gap_ms, word in ((2000, "found-open"), (2001, "opened")):
        core = Core()
        core.at("09:00").closes()
        core.at("09:30").event(kind="heartbeat", report_hint="periodic")
        core.now_ms += gap_ms
        core.effects.clear()
        core.opens()
        assert core.decisions()[0].reason.word == word


def test_a_retained_temperature_is_no_reading() -> None:
    core = Core()
    core.reads(39.0, "A-1", report="retained")
    assert core.said() == []


def test_a_retained_online_ends_what_a_retained_offline_began() -> None:
    core = Core()
    core.at("09:00").event(kind="availability", online=False, report="retained")
    core.at("09:05").event(kind="availability", online=True, report="retained")
    assert "raised sensor-silent" not in core.at("09:30").said()


def test_the_cause_of_a_page_is_its_event() -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.at("09:30").opens(device_ms=ms("09:29:59"), id="00000000000000c1")
    page = core.decisions()[-1]
    assert (page.cause.device, page.cause.at_ms, page.cause.received_ms) == ("door", ms("09:29:59"), ms("09:30"))
    assert (page.cause.event, page.subject) == ("00000000000000c1", HOME)


def test_a_mark_that_lies_across_two_others_is_no_mark() -> None:
    core = Core()
    core.at("09:00").closes(id="00000000000000a1", has_cause=True)
    core.at("09:01").closes(id="00000000000000a2", has_cause=True)
    # The two ids above, one behind the other, hold this one as well: from the middle of the first on.
    core.at("09:02").opens(id="000000a100000000", has_cause=True)
    assert "raised undeclared-opening" in core.said()


def test_a_door_that_is_as_it_was_writes_its_sensors_record_alone() -> None:
    core = Core()
    core.at("09:00").closes(battery_percent=97.0)
    core.engine.take_changes()
    core.at("09:10").closes(battery_percent=97.0)
    assert core.engine.take_changes().keys() == {"d:door"}


def test_an_opening_older_than_a_repeated_state_is_late_news() -> None:
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"))
    core.at("09:20").closes(device_ms=ms("09:20"))
    core.effects.clear()
    core.at("09:21").opens(device_ms=ms("09:10"))
    assert core.decisions()[0].reason.word == "opened-late"
    door = core.place().doors["door"]
    assert not door.open
