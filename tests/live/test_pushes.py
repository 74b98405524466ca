"""Platforms push over real HTTP and real TLS: to a gateway, and to a whole box whose gateway is killed meanwhile."""

import contextlib
import datetime
import hashlib
import http.client
import json
import socket
import ssl
import threading
import time
from random import Random

import pytest

from deploy import push as push_command
from devices.edge.settings import load
from devices.events import Event
from gateway.push.onenet import signature_of
from streams.edge.sqlite_log import SqliteReader
from streams.frames import decode_inbox
from tests.gateway.running import Gateway
from tests.live.box import Box
from tests.live.test_kill import decisions_of, is_of_ours
from tests.servers.process import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(500)

KEY = "a-key-of-the-test"
TOKEN = "a token of the test"
HASHED = hashlib.sha256(KEY.encode()).hexdigest()
PLATFORMS = "".join(
    f'[[platform]]\nid = "{kind}-1"\nkind = "{kind}"\ntopic = "push/{kind}"\n'
    + ('token_file = "onenet.token"\n' if kind == "onenet" else f'secret_sha256 = "{HASHED}"\n')
    for kind in ("ctwing", "onenet", "ttn", "chirpstack", "shelly")
)


def device(name: str, format: str, topic: str, household: str, address: str = "") -> str:
    named = f'address = "{address}"\n' if address else ""
    return (
        f'[[device]]\nid = "{name}"\nformat = "{format}"\ntopic = "{topic}"\n'
        f'household = "{household}"\nreport_every_s = 3600\n{named}'
    )


DEVICES = (
    device("c", "ctwing", "push/ctwing", "g017/1/1", "dev-c")
    + device("o", "onenet", "push/onenet", "g017/1/2", "865820035119960")
    + device("t", "ttn", "push/ttn", "g017/1/3", "A84041000181C061")
    + device("p", "chirpstack", "push/chirpstack", "g017/1/4", "a840410c41a9b2c3")
    + device("s", "shelly-gen1", "push/shelly/shellydw2-1", "g017/1/5")
)
LDS02 = {"BAT_V": 3.0, "MOD": 1, "DOOR_OPEN_STATUS": 1, "DOOR_OPEN_TIMES": 17, "LAST_DOOR_OPEN_DURATION": 2, "ALARM": 0}
SHOWN = {"X-Threshold-Key": KEY, "Content-Type": "application/json"}


def onenet(at_ms: int, value: str, imei: str = "865820035119960", nonce: str = "abcdefgh") -> bytes:
    msg = f'{{"at":{at_ms},"type":1,"value":"{value}","imei":"{imei}","dev_id":1,"ds_id":"3342_0_5500"}}'
    return (f'{{"msg":{msg},"nonce":"{nonce}","msg_signature":"{signature_of(TOKEN, nonce, msg.encode())}"}}').encode()


def pushes(now_ms: int) -> list[tuple[str, str, bytes, dict[str, str]]]:
    """One opening by each platform: method, address, body, headers."""
    ctwing = {"messageType": "dataReport", "deviceId": "dev-c", "timestamp": now_ms, "payload": {"door_status": 1}}
    ids = {"device_id": "lds", "dev_eui": "A84041000181C061"}
    ttn = {"end_device_ids": ids, "uplink_message": {"f_port": 10, "f_cnt": 7, "decoded_payload": LDS02}}
    chirpstack = {"deviceInfo": {"devEui": "a840410c41a9b2c3"}, "fCnt": 7, "fPort": 10, "object": LDS02}
    return [
        ("POST", f"/push/ctwing-1/{KEY}", json.dumps(ctwing).encode(), {}),
        ("POST", "/push/onenet-1", onenet(now_ms, "1"), {}),
        ("POST", "/push/ttn-1/up", json.dumps(ttn).encode(), SHOWN),
        ("POST", "/push/chirpstack-1?event=up", json.dumps(chirpstack).encode(), SHOWN),
        ("GET", f"/push/shelly-1/{KEY}/shellydw2-1/open", b"", {}),
    ]


class Vendor:
    """Pushes over TLS to `port`, one connection a request, as platforms do at worst."""

    def __init__(self, port: int, authority) -> None:
        self.port = port
        self.tls = ssl.create_default_context(cafile=str(authority.certificate))

    def push(self, method: str, path: str, body: bytes, headers: dict[str, str], timeout_s: float = 60) -> int:
        """Its status; again, as the answer asks, where a busy machine's disk was not quick enough."""
        until_s = time.monotonic() + 60
        while (status := self._push(method, path, body, headers, timeout_s)) == 503 and time.monotonic() < until_s:
            time.sleep(0.2)
        return status

    def _push(self, method: str, path: str, body: bytes, headers: dict[str, str], timeout_s: float) -> int:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout_s, context=self.tls)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def socket(self) -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return self.tls.wrap_socket(raw, server_hostname="127.0.0.1")

    def send_and_leave(self, body: bytes, path: str = "/push/onenet-1") -> ssl.SSLSocket:
        """A push whose answer nobody waits for."""
        wrapped = self.socket()
        wrapped.sendall(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        return wrapped


def push_table(port: int, authority) -> str:
    pair = authority.issue("127.0.0.1", valid_until=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=90))
    return (
        f'[gateway.push]\nlisten = "127.0.0.1:{port}"\ncertificate = "{pair.certificate}"\nprivate_key = "{pair.key}"\n'
    )


@pytest.fixture
def pushed_to(tmp_path, authority):
    """A gateway with its push door open over TLS."""
    port = free_port()
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "onenet.token").write_text(TOKEN + "\n")
    gateway = Gateway(tmp_path / "gateway", rows=DEVICES + PLATFORMS, more=push_table(port, authority))
    with gateway:
        yield gateway, Vendor(port, authority)


@pytest.mark.live
def test_every_platform_is_answered_and_its_opening_stands_in_the_inbox(pushed_to, authority, capsys):
    gateway, vendor = pushed_to
    now_ms = int(time.time() * 1000)
    for one in pushes(now_ms):
        assert vendor.push(*one) == 200, one
        gateway.wait_until(gateway.is_ready, 60, "still there")
    doors = gateway.events("door")
    assert {(event.device, event.open) for event in doors} == {(name, True) for name in "cotps"}
    # Again, as a platform does that heard no answer.  A Shelly says no number and no time; its door is open already.
    assert [vendor.push(*one) for one in pushes(now_ms)[:4]] == [200] * 4
    assert len(gateway.events("door")) == len(doors)
    assert vendor.push("POST", "/push/ctwing-1/wrong", b"{}", {}) == 403
    assert vendor.push("POST", "/push/nobody", b"{}", {}) == 404
    health = gateway.health()
    assert (health["push"]["taken"], health["push"]["refused_keys"], health["push"]["not_found"]) == (9, 1, 1)
    gateway.wait_until(lambda: len(gateway.rejects()) == 1, 60, "the reject")
    assert gateway.rejects()[0].reason == "forbidden-topic"
    assert KEY not in gateway.log_file.read_text()

    # What an installer runs to see it.
    assert push_command.main(gateway.config, None, True, KEY, authority.certificate) == 0
    told = capsys.readouterr().out
    assert told.count("\n  ok   ") == 2 + 2 * 5, told
    assert f"https://127.0.0.1:{vendor.port}/push/onenet-1" in told
    assert push_command.main(gateway.config, "ttn-1", True, "wrong", authority.certificate) == 1
    assert "NO   ttn-1: the key given is its key (403)" in capsys.readouterr().out
    assert len(gateway.rejects()) == 1, "trying leaves nothing behind"


@pytest.mark.live
def test_hostile_callers_neither_stop_nor_slow_a_platform(pushed_to):
    gateway, vendor = pushed_to
    chance = Random(3)
    slow = []
    for _ in range(120):
        with contextlib.suppress(OSError):
            slow.append(vendor.socket())
    # Some that never get as far as TLS.
    raw = [socket.create_connection(("127.0.0.1", vendor.port), timeout=60) for _ in range(60)]
    for one, begins in [(one, b"POST /push/ctwing-1/x HTTP/1.1\r\nX: ") for one in slow] + [
        (one, chance.randbytes(50)) for one in raw
    ]:
        with contextlib.suppress(OSError):  # on a busy machine the first of them have had their time by now
            one.sendall(begins)

    def ten_megabytes() -> None:
        with contextlib.suppress(OSError):
            wrapped = vendor.socket()
            wrapped.sendall(b"POST /push/ctwing-1/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(100):
                wrapped.sendall(b"19000\r\n" + b"x" * 0x19000 + b"\r\n")

    flood = threading.Thread(target=ten_megabytes)
    flood.start()
    now_ms = int(time.time() * 1000)
    for n in range(20):
        begun = time.monotonic()
        assert vendor.push("POST", "/push/onenet-1", onenet(now_ms + n, str(n % 2)), {}) == 200
        assert time.monotonic() - begun < 10
    flood.join(60)
    assert len(gateway.events("door")) == 20
    assert gateway.health()["push"]["connections"] <= 200
    # Whoever drips is ended: nothing of them is left ten seconds later.
    gateway.wait_until(lambda: gateway.health()["push"]["connections"] == 0, 90, "the end of those that drip")
    for one in (*slow, *raw):
        one.close()


DOORS = 8


@pytest.mark.live
def test_killed_between_commit_and_answer_a_push_that_comes_again_is_one_incident(tmp_path, authority):
    port = free_port()
    rows = "".join(
        device(f"door-{n}", "onenet", "push/onenet", f"g017/1/{n}", f"imei-{n}")
        + f'[[case]]\nhousehold = "g017/1/{n}"\nfrom = 2020-01-01T00:00:00Z\nuntil = 2100-01-01T00:00:00Z\n'
        for n in range(DOORS)
    )
    box = Box(tmp_path / "box", rows + PLATFORMS, more=push_table(port, authority))
    (tmp_path / "box" / "onenet.token").write_text(TOKEN)
    vendor = Vendor(port, authority)

    def until_answered(body: bytes) -> None:
        """As OneNET: again and again until it is answered 200."""

        def answered() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return vendor.push("POST", "/push/onenet-1", body, {}, timeout_s=10) == 200
            return False

        wait_until(answered, 120, "an answer")

    def on_disk(after: int) -> bool:
        reader = SqliteReader(box.data / "inbox.db", "inbox")
        found = reader.end(0)
        reader.close()
        return found > after

    try:
        box.start()
        box.wait_ready()
        for n in range(DOORS):
            until_answered(onenet(int(time.time() * 1000), "0", f"imei-{n}"))
        killed = 0
        for n in range(DOORS):
            body = onenet(int(time.time() * 1000), "1", f"imei-{n}")
            if n % 2 == 0:
                reader = SqliteReader(box.data / "inbox.db", "inbox")
                before = reader.end(0)
                reader.close()
                left = vendor.send_and_leave(body)
                # In the log, whether or not the answer has left: it is never read.
                wait_until(lambda before=before: on_disk(before), 60, "the push in the inbox")
                killed += box.kill("gateway")
                left.close()
            until_answered(onenet(json.loads(body)["msg"]["at"], "1", f"imei-{n}", nonce="another1"))
        assert killed >= DOORS // 4
        box.wait_ready()
        raised: dict[str, int] = {}

        def all_raised() -> bool:
            raised.clear()
            for decision in filter(is_of_ours, decisions_of(box)):
                if decision.decision == "raised":
                    raised[decision.subject] = raised.get(decision.subject, 0) + 1
            return len(raised) == DOORS

        wait_until(all_raised, 120, "an incident for each door")
        assert raised == {f"g017/1/{n}": 1 for n in range(DOORS)}
        decided = [d for d in decisions_of(box) if is_of_ours(d)]
        assert {d.kind for d in decided} == {"undeclared-opening"}
        assert not [d for d in decided if d.decision == "repeated"]
        # A door that is said to be open again is no second opening: the log itself tells whether it was taken once.
        reader = SqliteReader(box.data / "inbox.db", "inbox")
        taken = [record for _, frame in reader.read(0, 0, 10_000) for record in decode_inbox(frame)]
        reader.close()
        opened = [event.device for event in taken if isinstance(event, Event) and event.open]
        assert sorted(opened) == [f"door-{n}" for n in range(DOORS)]
        pages = [d.page for d in decided if d.decision == "page"]
        assert len(pages) == len(set(pages)) == DOORS
        print(f"{killed} kills between commit and answer, {DOORS} doors, {DOORS} incidents")
        box.stop()
    finally:
        box.remove()


def test_the_settings_of_these_tests_are_right(tmp_path, authority):
    (tmp_path / "t.toml").write_text(push_table(8443, authority))
    assert load(tmp_path / "t.toml").gateway.push.listen == "127.0.0.1:8443"
