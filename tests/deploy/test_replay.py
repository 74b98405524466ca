"""`replay`: what goes to stdout, what is complained about, and how."""

import io
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from deploy.launch import environment
from deploy.replay import main
from streams.edge.policy_file import default_path

FLEET = """
[[device]]
id = "door-0307"
format = "zigbee2mqtt"
topic = "zigbee2mqtt/door-0307"
household = "g017/3/1203"
[[case]]
household = "g017/3/1203"
from = "2020-02-10T00:00:00+08:00"
until = "2020-02-24T00:00:00+08:00"
"""


def door(clock, contact):
    return {"t": f"2020-02-16T{clock}+08:00", "topic": "zigbee2mqtt/door-0307", "payload": {"contact": contact}}


DAY = [
    door("09:00:00", True),
    door("09:30:00", False),
    {"t": "2020-02-16T09:31:00+08:00", "topic": "nobody/x", "payload": "open"},
    door("09:32:00", True),
    {"t": "2020-02-16T09:40:00+08:00", "command": "tick"},
]


@pytest.fixture
def replay(tmp_path, capfdbinary):
    (tmp_path / "fleet.toml").write_text(FLEET)

    def run(rows, **options):
        trace = tmp_path / "trace.jsonl"
        trace.write_bytes(b"".join(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in rows))
        code = main(**{"trace": trace, "fleet": tmp_path / "fleet.toml", **options})
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=out.decode(), err=err.decode(), rows=rows_of(out), trace=trace)

    return run


def rows_of(out):
    return [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]


def test_decisions_are_json_lines_in_order_and_nothing_else_is_on_stdout(replay):
    done = replay(DAY)
    assert (done.code, done.err) == (0, "")
    assert [(row["t"], row["decision"]) for row in done.rows] == [
        ("2020-02-16T09:30:00+08:00", "raised"),
        ("2020-02-16T09:30:00+08:00", "page"),
        ("2020-02-16T09:31:00+08:00", "rejected"),
        ("2020-02-16T09:35:00+08:00", "page"),
        ("2020-02-16T09:35:00+08:00", "page"),
    ]
    assert done.out.startswith('{"t":"2020-02-16T09:30:00+08:00","decision":"raised","incident":"g017/3/1203/undecl')
    assert {row.get("role") for row in done.rows[3:]} == {"police", "doctor"}


def test_until_lets_time_pass_beyond_the_trace(replay):
    last = replay(DAY, until="2020-02-16T09:42:00+08:00").rows[-1]
    assert (last["t"], last["decision"]) == ("2020-02-16T09:42:00+08:00", "cleared")


def test_until_leaves_out_what_came_later(replay):
    assert [row["decision"] for row in replay(DAY, until="2020-02-16T09:30:30+08:00").rows] == ["raised", "page"]


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (b'{"t":"2020-02-16T09:3', "is no JSON"),
        (b"[]\n", "must be a JSON object"),
        (b'{"t":"2020-02-16T09:30:00","topic":"t","payload":1}\n', "has no zone"),
        (b'{"t":"2020-02-16T09:30:00Z","topic":"t"}\n', "neither a payload nor base64"),
        (b'{"t":"2020-02-16T09:30:00Z"}\n', "neither a topic nor a command"),
        (b"\xff\xfe\n", "is no JSON"),
    ],
)
def test_a_bad_line_stops_with_its_number_after_what_was_decided(replay, bad, what):
    done = replay([*DAY[:2], bad])
    assert done.code == 1
    assert done.err.startswith(f"{done.trace}:3: ")
    assert what in done.err
    assert [row["decision"] for row in done.rows] == ["raised", "page"]


def test_a_command_that_finds_nothing_is_rejected_and_the_replay_goes_on(replay):
    nothing = {"t": "2020-02-16T09:20:00+08:00", "command": "acknowledge", "subject": "g017/3/1203",
               "kind": "fever", "role": "doctor", "by": "d"}  # fmt: skip
    done = replay([DAY[0], nothing, *DAY[1:]])
    assert [(row["decision"], row["reason"]) for row in done.rows[:1]] == [("rejected", "no-open-incident")]
    assert len(done.rows) == 6


def test_a_line_older_than_the_one_before_is_noted(replay):
    done = replay([DAY[1], DAY[0]])
    assert done.code == 0
    assert "1 lines are older" in done.err


def test_a_summary_instead_of_decisions(replay):
    done = replay(DAY, summary=True)
    assert "undeclared-opening       1       1       1\n" in done.out
    assert done.rows == []


@pytest.fixture
def patient(tmp_path):
    policy = tmp_path / "patient.toml"
    policy.write_text(
        '[ladder.undeclared-opening]\npage = ["worker"]\nsteps = [{ roles = ["police"], after_min = 8 }]\n'
    )
    return policy


def test_another_policy(replay, patient):
    pages = [(row["t"][11:16], row["role"]) for row in replay(DAY, policy=patient).rows if row["decision"] == "page"]
    assert pages == [("09:30", "worker"), ("09:38", "police")]


def test_only_the_differences_of_two_policies_in_order(replay, patient):
    rows = replay(DAY, against=str(patient)).rows
    assert [(row["only"], row["t"][11:16], row["role"]) for row in rows] == [
        ("policy", "09:35", "police"),
        ("policy", "09:35", "doctor"),
        ("against", "09:38", "police"),
    ]


def test_the_same_policy_has_no_difference(replay):
    assert replay(DAY, against=None, policy=None).rows
    assert replay(DAY, against=str(default_path())).out == ""


def test_two_policies_counted_side_by_side(replay, patient):
    assert "undeclared-opening       1       1   1 → 0\n" in replay(DAY, against=str(patient), summary=True).out


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"trace": None}, "needs a trace"),
        ({"fleet": None}, "needs a trace and --fleet"),
        ({"until": "tomorrow"}, "--until"),
        ({"since": "7d"}, "--config"),
    ],
)
def test_options_that_do_not_go_together(replay, options, what):
    done = replay(DAY, **options)
    assert done.code == 1
    assert what in done.err


def test_a_missing_trace_or_a_wrong_fleet_is_told(replay, tmp_path):
    assert "nothing.jsonl: No such file" in replay(DAY, trace=tmp_path / "nothing.jsonl").err
    (tmp_path / "fleet.toml").write_text("[[devcie]]\n")
    assert "fleet.toml:1: there is no table 'devcie'" in replay(DAY).err


def test_whoever_reads_may_stop_reading(tmp_path):
    (tmp_path / "fleet.toml").write_text(FLEET)
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({**DAY[2], "topic": f"x/{n}"}) + "\n" for n in range(3000)))
    command = [sys.executable, "-m", "deploy.cli", "replay", "t.jsonl", "--fleet", "fleet.toml"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(60) == 0


def test_what_was_printed_is_bytes_of_utf8_whatever_the_terminal_says(tmp_path):
    (tmp_path / "fleet.toml").write_text(FLEET, encoding="utf-8")
    (tmp_path / "t.jsonl").write_text(json.dumps({**DAY[2], "topic": "门/一"}) + "\n")
    command = [sys.executable, "-m", "deploy.cli", "replay", "t.jsonl", "--fleet", "fleet.toml"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**environment(), "LC_ALL": "C", "PYTHONUTF8": "0"}, capture_output=True, check=True
    )
    assert json.loads(io.BytesIO(done.stdout).read())["topic"] == "门/一"
