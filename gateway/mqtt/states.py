"""The life of one MQTT connection, seen from the server, as one table.

A connection waits for its CONNECT. A well-formed one puts it into the hands of the edge, which knows the fleet and its
secrets; nothing the client sends meanwhile is looked at. Accepted, it is served until somebody ends it: the client
(DISCONNECT), the protocol (a packet that may not be, or silence beyond the keep-alive), the network, or we ourselves.
There is no way back from closed.

Steps in capitals of MQTT are packets of the client; the others come from the edge or from the machine itself. A step
that is missing in the row of a state is illegal there: if a packet, the connection fails with one named error; if a
call of the edge, it comes too late (closed) and does nothing, or is a bug of ours (MisuseError).
"""

from enum import Enum, auto
from typing import Final


class State(Enum):
    AWAITING_CONNECT = auto()
    AUTHENTICATING = auto()
    CONNECTED = auto()
    CLOSED = auto()


class Step(Enum):
    # Packets of the client. CONNACK, SUBACK, UNSUBACK and PINGRESP are a server's words: legal in no state.
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15
    # The edge, or the machine itself.
    ACCEPT = 16
    REFUSE = 17
    FAIL = 18
    LOSE = 19
    CLOSE = 20


TRANSITIONS: Final[dict[State, dict[Step, State]]] = {
    State.AWAITING_CONNECT: {
        Step.CONNECT: State.AUTHENTICATING,
        Step.FAIL: State.CLOSED,
        Step.LOSE: State.CLOSED,
        Step.CLOSE: State.CLOSED,
    },
    State.AUTHENTICATING: {
        Step.ACCEPT: State.CONNECTED,
        Step.REFUSE: State.CLOSED,
        Step.FAIL: State.CLOSED,
        Step.LOSE: State.CLOSED,
        Step.CLOSE: State.CLOSED,
    },
    State.CONNECTED: {
        Step.PUBLISH: State.CONNECTED,
        Step.PUBACK: State.CONNECTED,  # PUBREC and PUBCOMP are missing: we send nothing with QoS 2
        Step.PUBREL: State.CONNECTED,
        Step.SUBSCRIBE: State.CONNECTED,
        Step.UNSUBSCRIBE: State.CONNECTED,
        Step.PINGREQ: State.CONNECTED,
        Step.DISCONNECT: State.CLOSED,  # AUTH is missing: a client that asks for such an exchange is refused at CONNECT
        Step.FAIL: State.CLOSED,
        Step.LOSE: State.CLOSED,
        Step.CLOSE: State.CLOSED,
    },
    State.CLOSED: {},
}
