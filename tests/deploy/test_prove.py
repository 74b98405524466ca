"""The proof finds what is missing and what is there twice; a proof that cannot fail would prove nothing."""

import pytest

from deploy.mqtt_links import Acked
from deploy.prove import behind, prove
from devices.events import Message
from devices.formats import table
from devices.simulator import Asked, Plan, Simulator
from gateway.fleet_records import fleet_records
from gateway.intake import Intake
from streams.commands import parse_command
from streams.edge.policy_file import load as load_policy
from streams.edge.sqlite_log import CURSORS, SqliteWriter, cursor_at
from streams.effects import Decision
from streams.engine import Engine
from streams.frames import encode_inbox, encode_outbox

PLAN = Plan(households=120, seed=3, hour=17.5, pace=240, isolated_share=1.0, bridges=False)


class Run:
    """Forty seconds of a lively compound, as gateway and core would have written it down."""

    def __init__(self):
        simulator = Simulator(PLAN)
        self.fleet = simulator.compound.fleet()
        self.policy = load_policy()
        self.acked = []
        self.inbox = []
        self.effects = []
        intake = Intake(self.fleet, table())
        engine = Engine(self.policy)
        self.inbox += fleet_records(self.fleet, table(), PLAN.begins_ms)
        for n, item in enumerate(simulator.until(PLAN.begins_ms + 40_000)):
            if isinstance(item, Asked):
                self.inbox.append(parse_command(item.command, item.at_ms, f"c{n}"))
            else:
                packet_id = n % 65_535 + 1
                self.acked.append(Acked(item.device, item.topic, item.payload, packet_id, item.at_ms, item.at_ms + 1))
                message = Message(item.topic, item.payload, item.at_ms, packet_id=packet_id, client=item.device)
                self.inbox += intake.take(message).events
        for record in self.inbox:
            self.effects += engine.apply(record)

    def write(self, data, inbox=None, effects=None):
        writer = SqliteWriter(data / "inbox.db", "inbox")
        offsets = [writer.append([(0, encode_inbox([record]))])[0] for record in inbox or self.inbox]
        writer.close()
        writer = SqliteWriter(data / "streams.db", "outbox", tables=[CURSORS])
        chosen = self.effects if effects is None else effects
        writer.append([(0, encode_outbox([effect])) for effect in chosen], [cursor_at("inbox", 0, offsets[-1] - 2)])
        writer.close()

    def prove(self, data, **more):
        return prove(data, self.fleet, self.policy, more.pop("acked", self.acked), **more)


@pytest.fixture(scope="module")
def run():
    return Run()


def is_page(effect):
    return isinstance(effect, Decision) and effect.decision == "page"


def test_a_sound_run_has_nothing_lost_and_nothing_twice(run, tmp_path):
    run.write(tmp_path)
    proof = run.prove(tmp_path)
    assert (proof.lost, proof.duplicated) == ([], [])
    assert proof.incidents["undeclared-opening"] > 3
    assert proof.pages["worker"] > 3
    assert proof.events == len(run.inbox)


def test_an_acknowledged_message_that_is_in_no_inbox_is_lost(run, tmp_path):
    gone = next(n for n, record in enumerate(run.inbox) if getattr(record, "kind", "") == "door")
    run.write(tmp_path, inbox=run.inbox[:gone] + run.inbox[gone + 1 :])
    lost = [what for what in run.prove(tmp_path).lost if what.startswith("acknowledged and not in inbox")]
    assert len(lost) == 1
    assert run.inbox[gone].device in lost[0]


def test_a_page_that_was_due_and_not_told_is_lost(run, tmp_path):
    page = next(effect for effect in run.effects if is_page(effect))
    run.write(tmp_path, effects=[effect for effect in run.effects if effect is not page])
    assert run.prove(tmp_path).lost == [f"due and not told: {page.page}"]


def test_a_page_decided_twice_is_duplicated(run, tmp_path):
    page = next(effect for effect in run.effects if is_page(effect))
    run.write(tmp_path, effects=[*run.effects, page])
    assert run.prove(tmp_path).duplicated == [f"decided 2 times: {page.page}"]


def test_an_incident_raised_twice_is_duplicated(run, tmp_path):
    raised = next(e for e in run.effects if isinstance(e, Decision) and e.decision == "raised")
    run.write(tmp_path, effects=[*run.effects, raised])
    assert run.prove(tmp_path).duplicated == [f"raised 2 times: {raised.incident}"]


def test_a_page_that_nothing_asked_for_is_told_so(run, tmp_path):
    invented = next(effect for effect in run.effects if is_page(effect))
    invented = Decision(t_ms=invented.t_ms, decision="page", grid="g001", page="made-up", role="worker")
    run.write(tmp_path, effects=[*run.effects, invented])
    assert run.prove(tmp_path).duplicated == ["told and not due: made-up"]


def test_through_a_broker_messages_are_known_by_their_own_numbers(run, tmp_path):
    run.write(tmp_path)
    other = [Acked("compound-1", a.topic, a.payload, a.packet_id + 1, a.sent_ms, a.acked_ms) for a in run.acked]
    assert run.prove(tmp_path, acked=other, directly=False).lost == []
    unknown = Acked("c", next(a.topic for a in run.acked if a.topic.endswith("/door")),
                    b'{"state":"open","seq":99999999}', 1, 0, 0)  # fmt: skip
    assert len(run.prove(tmp_path, acked=[unknown], directly=False).lost) == 1


def test_how_far_the_core_is_behind(run, tmp_path):
    assert behind(tmp_path) == 0
    run.write(tmp_path)
    assert behind(tmp_path) == 2
