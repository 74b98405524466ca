import pytest

from gateway.mqtt.properties import Place, Property, build_properties, has, integer, parse_properties
from gateway.mqtt.reasons import ProtocolError, Reason
from gateway.mqtt.wire import Reader

# Table 2-4 of the standard once more, written apart from the code: identifier, a value, and where it may stand.
C, W, CA, P, A, S, U, D, X = (
    Place.CONNECT,
    Place.WILL,
    Place.CONNACK,
    Place.PUBLISH,
    Place.ANSWER,
    Place.SUBSCRIBE,
    Place.UNSUBSCRIBE,
    Place.DISCONNECT,
    Place.AUTH,
)
ROWS = [
    (1, 1, {P, W}),
    (2, 4_294_967_295, {P, W}),
    (3, "text/plain", {P, W}),
    (8, "a/b", {P, W}),
    (9, b"\x00\xff", {P, W}),
    (11, 268_435_455, {S}),  # in a PUBLISH too, but never from a client
    (17, 0, {C, CA, D}),
    (18, "id", {CA}),
    (19, 65535, {CA}),
    (21, "method", {C, CA, X}),
    (22, b"data", {C, CA, X}),
    (23, 0, {C}),
    (24, 5, {W}),
    (25, 1, {C}),
    (26, "info", {CA}),
    (28, "server", {CA, D}),
    (31, "why", {CA, A, D, X}),
    (33, 1, {C, CA}),
    (34, 0, {C, CA}),
    (35, 1, {P}),
    (36, 1, {CA}),
    (37, 0, {CA}),
    (38, ("name", "value"), {C, W, CA, P, A, S, U, D, X}),
    (39, 1, {C, CA}),
    (40, 1, {CA}),
    (41, 0, {CA}),
    (42, 1, {CA}),
]


def test_the_table_is_complete():
    assert [identifier for identifier, _, _ in ROWS] == [int(one) for one in Property]


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize(("identifier", "value", "places"), ROWS)
def test_each_property_stands_only_where_it_may(identifier, value, places, place):
    written = build_properties(((identifier, value),))
    if place in places:
        assert parse_properties(Reader(written), place) == ((identifier, value),)
    else:
        with pytest.raises(ProtocolError) as caught:
            parse_properties(Reader(written), place)
        assert caught.value.code == Reason.MALFORMED_PACKET


@pytest.mark.parametrize(("identifier", "value", "places"), ROWS)
def test_each_property_but_the_users_own_stands_once(identifier, value, places):
    twice = ((identifier, value), (identifier, value))
    place = min(places, key=lambda one: one.value)
    if identifier == Property.USER:
        assert parse_properties(Reader(build_properties(twice)), place) == twice
    else:
        with pytest.raises(ProtocolError) as caught:
            parse_properties(Reader(build_properties(twice)), place)
        assert caught.value.code == Reason.PROTOCOL_ERROR


@pytest.mark.parametrize(("identifier", "value", "places"), ROWS)
def test_each_property_cut_at_every_byte_is_malformed(identifier, value, places):
    written = build_properties(((identifier, value),))
    place = min(places, key=lambda one: one.value)
    for cut in range(len(written)):
        with pytest.raises(ProtocolError) as caught:
            parse_properties(Reader(written[:cut]), place)
        assert caught.value.code == Reason.MALFORMED_PACKET
        # The same, with the length telling no lie about the cut.
        if cut > 1:
            with pytest.raises(ProtocolError):
                parse_properties(Reader(bytes((cut - 1,)) + written[1:cut]), place)


@pytest.mark.parametrize("text", ["02 01 02", "03 21 0000", "05 27 00000000", "02 0b 00", "02 19 02"])
def test_values_out_of_range(text):
    places = {0x01: P, 0x21: C, 0x27: C, 0x0B: S, 0x19: C}
    data = bytes.fromhex(text)
    with pytest.raises(ProtocolError) as caught:
        parse_properties(Reader(data), places[data[1]])
    assert caught.value.code == Reason.PROTOCOL_ERROR


def test_what_was_asked_for_is_found_or_its_default():
    properties = ((0x11, 30), (0x26, ("a", "b")))
    assert integer(properties, Property.SESSION_EXPIRY_S, 0) == 30
    assert integer(properties, Property.RECEIVE_MAXIMUM, 65535) == 65535
    assert has(properties, Property.USER)
    assert not has(properties, Property.TOPIC_ALIAS)
    assert not has((), Property.TOPIC_ALIAS)


def test_a_value_of_another_type_is_not_written():
    with pytest.raises(ValueError, match="is not a value of type"):
        build_properties(((0x11, "30"),))
