import asyncio
import ssl

import pytest

from devices.fleet import Bridge, Platform
from gateway.edge import listener
from gateway.edge.listener import Listener, Rules, server_tls
from gateway.mqtt.events import ConnectRequested
from gateway.mqtt.packets import Pingreq
from gateway.mqtt.reasons import Reason
from gateway.mqtt.server_session import Limits
from tests.gateway.edge.harness import Client, Inside, StillClock
from tests.gateway.worlds import BRIDGE, FLEET, SECRET, SECRET_SHA256, door, fleet_of


def request(client_id="door-1", username="door-1", password=SECRET) -> ConnectRequested:
    return ConnectRequested(
        version=4,
        client_id=client_id,
        username=username,
        password=None if password is None else password.encode(),
        will=None,
        clean_start=True,
        keep_alive_s=60,
        session_expiry_s=0,
        properties=(),
    )


WITHOUT_SECRET = door("plain", secret_sha256="")
DIRECT_BRIDGE = Bridge(
    id="z2m-18", topic="z2m-18/bridge/state", grid="g017", devices="z2m-18/", secret_sha256=SECRET_SHA256
)
PLATFORM = Platform(id="ttn-1", kind="ttn", topic="push/ttn", secret_sha256=SECRET_SHA256)


@pytest.mark.parametrize(
    ("asked", "certificate", "anonymous", "outcome"),
    [
        (request(), None, False, "door-1"),
        (request(password="wrong"), None, False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request(password=None), None, False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request(username=None, password=None), None, False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request("nobody", "nobody"), None, False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request("door-1", "dev-1"), None, False, Reason.NOT_AUTHORISED),
        (request("plain", "plain", "anything"), None, False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request("plain", "plain", ""), None, False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request(username=None, password=None), "door-1", False, "door-1"),
        (request(username=None, password=None), "dev-1", False, Reason.NOT_AUTHORISED),
        (request(password="wrong"), "door-1", False, "door-1"),
        (request("plain", None, None), None, True, "plain"),
        (request("nobody", None, None), None, True, Reason.NOT_AUTHORISED),
        (request("door-1", None, None), None, True, Reason.NOT_AUTHORISED),
        (request(), None, True, "door-1"),
        (request("siren-1", "siren-1"), None, False, "siren-1"),
        (request("z2m-17", "z2m-17"), None, False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request("z2m-17", None, None), "z2m-17", False, "z2m-17"),
        (request("z2m-18", "z2m-18"), None, False, "z2m-18"),
        (request("z2m-18", "z2m-18", "wrong"), None, False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request("z2m-18", None, None), None, True, Reason.NOT_AUTHORISED),
        (request("z2m-17", None, None), None, True, "z2m-17"),
        (request("ttn-1", "ttn-1"), None, False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request("ttn-1", None, None), "ttn-1", False, Reason.BAD_USER_NAME_OR_PASSWORD),
        (request("ttn-1", None, None), None, True, Reason.NOT_AUTHORISED),
    ],
)
async def test_who_may_come_in(tmp_path, asked, certificate, anonymous, outcome):
    rows = (*FLEET.devices.values(), *FLEET.subscribers.values(), BRIDGE, DIRECT_BRIDGE, PLATFORM, WITHOUT_SECRET)
    async with Inside(tmp_path, fleet_of(*rows), rules=Rules(allow_anonymous=anonymous)) as inside:
        admitted = inside.listener.admit(asked, certificate)
        assert (admitted if isinstance(admitted, Reason) else admitted.name) == outcome


async def test_a_wrong_password_touches_nothing_of_the_right_owners(tmp_path):
    async with Inside(tmp_path) as inside:
        owner = await inside.client()
        for password in ("wrong", "", None):
            thief = await Client.open(inside.port)
            await thief.connect("door-1", password, username="door-1")
            assert await thief.answer() == b"\x20\x02\x00\x04"
            assert await thief.closed()
        owner.publish(packet_id=3)
        assert await owner.answer() == b"\x40\x02\x00\x03"
        assert inside.listener.counts["refused_connections"] == 3
        assert inside.listener.counts["taken_over"] == 0


async def test_the_same_client_again_ends_its_first_connection(tmp_path):
    async with Inside(tmp_path) as inside:
        first = await inside.client()
        second = await inside.client()
        assert await first.closed()
        second.publish(packet_id=3)
        assert await second.answer() == b"\x40\x02\x00\x03"
        await inside.durable()
        assert [event.online for event in inside.events("availability")] == [True, True]
        assert len(inside.listener.clients) == 1


async def test_one_too_many_is_turned_away_and_the_others_stay(tmp_path):
    async with Inside(tmp_path, rules=Rules(max_connections=2)) as inside:
        first = await inside.client("door-1")
        await inside.client("dev-1")
        third = await Client.open(inside.port)
        assert await third.closed()
        first.publish()
        assert await first.answer() == b"\x40\x02\x00\x01"
        first.close()
        await inside.until(lambda: len(inside.listener.connections) == 1)
        await inside.client("gun-1")


async def test_whoever_does_not_say_who_it_is_is_dropped(tmp_path):
    async with Inside(tmp_path, rules=Rules(limits=Limits(connect_timeout_ms=300))) as inside:
        silent = await Client.open(inside.port)
        slow = await Client.open(inside.port)
        slow.send(b"\x10\x20\x00")
        assert await silent.closed()
        assert await slow.closed()
        assert not inside.listener.half_open


async def test_a_crowd_of_silent_connections_leaves_room_for_a_real_one(tmp_path):
    async with Inside(tmp_path, rules=Rules(max_half_open=5)) as inside:
        crowd = [await Client.open(inside.port) for _ in range(40)]
        client = await inside.client()
        client.publish()
        assert await client.answer() == b"\x40\x02\x00\x01"
        assert len(inside.listener.half_open) <= 5
        assert inside.listener.counts["half_open_dropped"] >= 35
        for one in crowd:
            one.close()


async def test_paused_it_reads_nothing_and_goes_on_where_it_was(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        await inside.durable()
        inside.listener.pause()
        client.publish(packet_id=1)
        late = await Client.open(inside.port)
        await late.connect("dev-1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.readexactly(1), 0.2)
        inside.listener.resume()
        assert await client.answer() == b"\x40\x02\x00\x01"
        assert await late.answer() == b"\x20\x02\x00\x00"


async def test_silence_while_it_is_paused_is_not_held_against_a_device(tmp_path, monkeypatch):
    clock = StillClock(monkeypatch)
    async with Inside(tmp_path) as inside:
        client = await inside.client(keep_alive_s=1)
        inside.listener.pause()
        for _ in range(3):
            clock.passes(1000, inside)
        inside.listener.resume()
        clock.passes(1000, inside)
        client.publish(packet_id=1)
        assert await client.answer() == b"\x40\x02\x00\x01"


async def test_silence_while_we_were_held_up_ourselves_is_not_held_against_a_device(tmp_path, monkeypatch):
    clock = StillClock(monkeypatch)
    monkeypatch.setattr(listener, "_READ_FIRST_S", 60)
    async with Inside(tmp_path) as inside:
        spoke = await inside.client("door-1", keep_alive_s=60)
        silent = await inside.client("dev-1", keep_alive_s=60)
        spoke.send(Pingreq())
        # Stopped for so long that both are overdue, and the sweep is the first thing that happens.
        clock.passes(100_000, inside)
        assert await spoke.answer(2) == b"\xd0\x00"
        clock.passes(500, inside)
        assert await silent.closed()
        spoke.publish(packet_id=1)
        assert await spoke.answer() == b"\x40\x02\x00\x01"


async def test_the_end_acknowledges_what_was_taken_and_says_goodbye(tmp_path):
    async with Inside(tmp_path) as inside:
        client = await inside.client()
        client.publish(packet_id=1)
        await inside.until(lambda: inside.gate.taken or inside.gate.flow.messages)
        inside.listener.stop_reading()
        await inside.durable()
        await inside.listener.close()
        assert await client.answer() == b"\x40\x02\x00\x01"
        assert await client.closed()


async def test_tls_takes_a_certificate_for_a_secret(tmp_path, authority):
    async with Inside(tmp_path / "gateway") as inside:
        pair = authority.issue("localhost")
        context = server_tls(str(pair.certificate), str(pair.key), str(authority.certificate))
        _, port = await inside.listener.listen("127.0.0.1", 0, context)
        owner, other = authority.issue("door-1"), authority.issue("someone-else")
        for shown, answer in ((owner, 0), (other, 5), (None, 4)):
            mine = ssl.create_default_context(cafile=str(authority.certificate))
            mine.check_hostname = False
            if shown is not None:
                mine.load_cert_chain(shown.certificate, shown.key)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=mine)
            client = Client(reader, writer, 4)
            await client.connect("door-1", None)
            assert (await client.answer())[3] == answer, shown
            if answer == 0:
                client.publish()
                assert await client.answer() == b"\x40\x02\x00\x01"
            client.close()


async def test_an_address_that_is_taken_is_an_error(tmp_path):
    async with Inside(tmp_path) as inside:
        other = Listener(inside.gate, FLEET, Rules(), loop=asyncio.get_running_loop())
        with pytest.raises(OSError, match="in use"):
            await other.listen("127.0.0.1", inside.port)


async def test_a_bridge_may_speak_for_as_many_as_are_behind_it(tmp_path):
    fleet = fleet_of(BRIDGE, *(door(f"d{n}") for n in range(9)))
    async with Inside(tmp_path, fleet) as inside:
        principals = inside.gate.intake.principals
        assert inside.listener.devices_behind(principals["z2m-17"]) == 10
        assert inside.listener.devices_behind(principals["d1"]) == 1
