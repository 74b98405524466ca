"""`simulate`: a trace with its fleet, which replay takes as it is."""

import json

from deploy import replay
from deploy.simulate import main


def test_a_trace_and_its_fleet_replay_together(tmp_path, capfdbinary):
    out = tmp_path / "t.jsonl"
    assert main(households=60, seed=3, out=out, hours=14) == 0
    assert b"lines in" in capfdbinary.readouterr().err
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) > 300
    assert replay.main(trace=out, fleet=tmp_path / "t.fleet.toml") == 0
    said, problems = capfdbinary.readouterr()
    assert problems == b""
    reasons = {json.loads(line).get("reason") for line in said.splitlines() if b'"rejected"' in line}
    # A gun in the wind is implausible now and then; nothing else of a simulated device is ever refused.
    assert reasons <= {"implausible", "no-open-incident"}


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        main(households=30, seed=5, out=tmp_path / f"{name}.jsonl", fleet_out=tmp_path / f"{name}.toml", hours=3)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert (tmp_path / "a.toml").read_bytes() == (tmp_path / "b.toml").read_bytes()


def test_it_can_begin_at_another_hour_than_the_clocks(tmp_path):
    """A trace begins at midnight, when nobody goes out."""
    for name, hour in (("night", None), ("evening", 18.0)):
        main(households=60, seed=3, out=tmp_path / name, hours=1, hour=hour)
    opened = {name: (tmp_path / name).read_text().count('"contact":false') for name in ("night", "evening")}
    assert opened["evening"] > opened["night"] + 5


def test_it_must_be_said_where_to(tmp_path, capsys):
    assert main() == 2
    assert main(out=tmp_path / "t", broker="mqtt://h") == 2
    assert "--out" in capsys.readouterr().err


def test_an_address_that_is_none(capsys):
    assert main(broker="http://h") == 2
    assert "is not mqtt://host:port" in capsys.readouterr().err


def test_live_through_a_broker_everything_is_acknowledged(mosquitto, tmp_path, capsys):
    assert main(households=40, seed=3, broker=mosquitto.url, hours=0.25, speed=300, fleet_out=tmp_path / "f.toml") == 0
    sent, acknowledged = (int(part.split()[0]) for part in capsys.readouterr().err.split(", "))
    assert sent == acknowledged > 20
