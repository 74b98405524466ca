"""The table is whole: every state is in it, every way leads to the end, and none back."""

from gateway.mqtt.packets import PacketType
from gateway.mqtt.states import TRANSITIONS, State, Step


def test_every_state_has_its_row_and_every_target_is_a_state():
    assert set(TRANSITIONS) == set(State)
    assert {following for row in TRANSITIONS.values() for following in row.values()} == set(State) - {
        State.AWAITING_CONNECT
    }


def test_every_packet_is_a_step_under_its_own_number():
    assert [(kind.name, kind.value) for kind in PacketType] == [(step.name, step.value) for step in Step][:15]


def test_every_open_state_can_fail_be_lost_and_be_closed():
    for state in set(State) - {State.CLOSED}:
        for step in (Step.FAIL, Step.LOSE, Step.CLOSE):
            assert TRANSITIONS[state][step] is State.CLOSED


def test_nothing_leads_out_of_closed():
    assert TRANSITIONS[State.CLOSED] == {}


def test_a_servers_words_are_legal_in_no_state():
    servers = {Step.CONNACK, Step.SUBACK, Step.UNSUBACK, Step.PINGRESP}
    assert not servers & {step for row in TRANSITIONS.values() for step in row}


def test_only_a_connect_opens_and_only_once():
    assert [state for state, row in TRANSITIONS.items() if Step.CONNECT in row] == [State.AWAITING_CONNECT]
