import pytest

from gateway.mqtt import wire
from gateway.mqtt.reasons import ProtocolError, Reason
from gateway.mqtt.wire import Reader, find_packet

LIMIT = 64 * 1024


# Table 2.4 of 3.1.1, table 1-1 of 5: the first and last value of each size.
@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (16_383, "ff7f"),
        (16_384, "808001"),
        (2_097_151, "ffff7f"),
        (2_097_152, "80808001"),
        (268_435_455, "ffffff7f"),
    ],
)
def test_variable_integers_at_their_borders(value, written):
    assert wire.variable_integer(value) == bytes.fromhex(written)
    assert Reader(bytes.fromhex(written)).variable_integer() == value
    header = b"\x30" + bytes.fromhex(written)
    assert find_packet(header, 0, 1 << 30, True) == (len(header), len(header) + value)


@pytest.mark.parametrize("value", [-1, 268_435_456])
def test_a_variable_integer_has_a_range(value):
    with pytest.raises(ValueError, match="variable integer"):
        wire.variable_integer(value)


@pytest.mark.parametrize("written", ["80808080", "ffffffff01", "8000", "808000"])
def test_variable_integers_that_are_too_long(written):
    with pytest.raises(ProtocolError) as caught:
        Reader(bytes.fromhex(written)).variable_integer()
    assert caught.value.code == Reason.MALFORMED_PACKET


@pytest.mark.parametrize(("header", "needed"), [("30", 2), ("3080", 3), ("308080", 4), ("30808080", 5)])
def test_a_header_that_is_not_complete_says_how_much_it_needs(header, needed):
    assert find_packet(bytes.fromhex(header), 0, LIMIT, False) == (0, needed)
    assert find_packet(b"\xc0\x00" + bytes.fromhex(header), 2, LIMIT, False) == (0, needed)


def test_a_fifth_byte_of_length_is_malformed_before_it_comes():
    with pytest.raises(ProtocolError) as caught:
        find_packet(bytes.fromhex("3080808080"), 0, LIMIT, False)
    assert caught.value.code == Reason.MALFORMED_PACKET


def test_a_packet_too_large_is_refused_from_its_header():
    fits = b"\x30" + wire.variable_integer(LIMIT - 4)
    assert find_packet(fits, 0, LIMIT, True) == (4, LIMIT)
    with pytest.raises(ProtocolError) as caught:
        find_packet(b"\x30" + wire.variable_integer(LIMIT - 3), 0, LIMIT, True)
    assert caught.value.code == Reason.PACKET_TOO_LARGE


def test_a_length_longer_than_need_be_is_malformed_in_5_alone():
    header = bytes.fromhex("30850000016178")
    assert find_packet(header, 0, LIMIT, False) == (3, 8)
    with pytest.raises(ProtocolError) as caught:
        find_packet(header, 0, LIMIT, True)
    assert caught.value.code == Reason.MALFORMED_PACKET


def test_a_reader_reads_from_the_front_and_ends():
    reader = Reader(bytes.fromhex("01 0203 04050607 0002 6869 0001 ff aabb"))
    assert reader.byte() == 1
    assert reader.two_bytes() == 0x0203
    assert reader.four_bytes() == 0x04050607
    assert reader.text() == "hi"
    assert reader.binary() == b"\xff"
    assert (reader.left, reader.position) == (2, 14)
    with pytest.raises(ProtocolError):
        reader.expect_end()
    assert reader.rest() == b"\xaa\xbb"
    reader.expect_end()
    for read in (reader.byte, reader.two_bytes, reader.four_bytes, reader.text, reader.binary):
        with pytest.raises(ProtocolError) as caught:
            read()
        assert caught.value.code == Reason.MALFORMED_PACKET


@pytest.mark.parametrize("text", ["", "a", "门磁", "\ufeff", "\U0010ffff", "a" * 65535])
def test_texts_come_back_as_they_were(text):
    assert Reader(wire.text(text)).text() == text  # a byte order mark is never taken away (1.5.4)


def test_a_text_too_long_for_a_field_is_not_written():
    with pytest.raises(ValueError, match="do not fit"):
        wire.text("é" * 32768)


@pytest.mark.parametrize("raw", [b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x00b"])
def test_what_is_no_text_of_mqtt(raw):
    with pytest.raises(ProtocolError) as caught:
        wire.text_of(raw)
    assert caught.value.code == Reason.MALFORMED_PACKET
