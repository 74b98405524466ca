from tests.streams.core import HOME, Core, ms


def test_a_heartbeat_changes_nothing_to_the_eye() -> None:
    core = Core()
    core.at("09:00").closes()
    core.effects.clear()
    core.at("09:01").event(kind="heartbeat", battery_percent=80)
    core.closes()
    assert core.picture() is None


def test_what_is_shown() -> None:
    core = Core()
    core.at("09:00").closes()
    core.command("declare", household=HOME, until=ms("09:10"), reason="x", by="resident")
    core.event(kind="battery", battery_percent=5)
    core.event(kind="tamper", tamper=True)
    core.command("mute", household=HOME, role="worker", until=ms("10:00"), reason="x")
    seen = core.picture()
    assert seen is not None
    assert (seen.watched, seen.open, seen.battery_low, seen.tamper, seen.silent) == (True, False, True, True, False)
    assert (seen.declared_until_ms, seen.declared_today, seen.muted_until_ms) == (ms("09:10"), 1, ms("10:00"))
    assert seen.incidents == ["low-battery", "tamper"]
    assert seen.devices == ["door"]


def test_the_case_ends_and_it_is_not_watched() -> None:
    core = Core()
    core.command("close-case", household=HOME, reason="released", role="worker")
    seen = core.picture()
    assert seen is not None and not seen.watched


def test_declarations_of_yesterday_are_not_todays() -> None:
    core = Core()
    core.at("23:50").command("declare", household=HOME, until=ms("23:59"), reason="x", by="resident")
    core.at("+1 00:10").closes()
    seen = core.picture()
    assert seen is not None and seen.declared_today == 0


def test_silence_and_its_end() -> None:
    core = Core()
    core.at("09:00").closes()
    core.at("11:30")
    seen = core.picture()
    assert seen is not None and seen.silent
    core.at("11:40").closes()
    seen = core.picture()
    assert seen is not None and not seen.silent
