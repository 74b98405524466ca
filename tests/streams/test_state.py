from streams.state import decode_record, encode_record
from tests.streams.core import HOME, Core, ms


def busy() -> Core:
    core = Core()
    core.bridge("z2m")
    core.device("door", HOME, bridge="z2m")
    core.at("09:00").closes(device_ms=ms("09:00"), opens_counted=3)
    core.command("declare", household=HOME, until=ms("09:10"), reason="rubbish", by="resident")
    core.at("09:05").opens(device_ms=ms("09:05"), opens_counted=5)
    core.at("09:20").closes(device_ms=ms("09:20"), opens_counted=5)
    core.at("09:30").opens(device_ms=ms("09:30"))
    core.reads(37.0, "A-1")
    core.reads(37.4)
    core.command("symptoms", household=HOME, symptoms=["cough"], by="resident")
    core.command("check-assigned", check="c1", grid="g017", due=ms("12:00"), role="supervisor")
    return core


def test_every_record_is_written_and_read_the_same() -> None:
    records = busy().engine.records
    assert {type(r).__name__ for r in records.values()} == {
        "Sensor", "Place", "Suspicion", "Grid", "Building", "BridgeState", "Book", "Carried",
    }  # fmt: skip
    for key, record in records.items():
        assert decode_record(encode_record(record)) == record, key


def test_a_watched_door_stays_under_a_kilobyte() -> None:
    """A city has 200,000 of them: what a household with a lively door takes, all its records together."""
    core = Core()
    core.at("09:00").closes(device_ms=ms("09:00"), opens_counted=0)
    for n in range(1, 21):
        core.at(f"09:{n:02d}").opens(device_ms=core.now_ms - 300, opens_counted=n, battery_percent=80.0, has_cause=True)
        core.closes(device_ms=core.now_ms, opens_counted=n, has_cause=True)
    size = sum(len(encode_record(record)) for key, record in core.engine.records.items() if key[2:] in ("door", HOME))
    assert size < 1536, size
    calm = Core()
    calm.at("09:00").closes(device_ms=ms("09:00"))
    size = sum(len(encode_record(r)) for key, r in calm.engine.records.items() if key[2:] in ("door", HOME))
    assert size < 300, size
