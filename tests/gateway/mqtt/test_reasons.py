import pytest

from gateway.mqtt.reasons import ProtocolError, Reason, connect_return_code, malformed


# Table 3.1 of 3.1.1 knows five refusals; every reason must become one of them.
@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.SUCCESS, 0),
        (Reason.UNSUPPORTED_VERSION, 1),
        (Reason.CLIENT_ID_NOT_VALID, 2),
        (Reason.SERVER_UNAVAILABLE, 3),
        (Reason.SERVER_BUSY, 3),
        (Reason.CONNECTION_RATE_EXCEEDED, 3),
        (Reason.BAD_USER_NAME_OR_PASSWORD, 4),
        (Reason.NOT_AUTHORISED, 5),
        (Reason.BANNED, 5),
    ],
)
def test_a_3_1_1_client_is_told_the_nearest_it_knows(reason, code):
    assert connect_return_code(reason) == code


def test_no_refusal_reads_as_a_welcome():
    assert all(1 <= connect_return_code(reason) <= 5 for reason in Reason if reason >= 0x80)


def test_the_error_says_what_and_why():
    error = malformed("a packet ends inside a field")
    assert isinstance(error, ProtocolError)
    assert (error.code, error.reason, str(error)) == (0x81, "a packet ends inside a field", error.reason)
