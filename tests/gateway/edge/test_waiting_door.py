import http.client
import json
import socket
from pathlib import Path

import httpx

from devices.edge.settings import Data, Gateway, Metrics, Settings
from gateway.edge.waiting_door import OPENING, WaitingDoor
from tests.gateway.edge.harness import Inside
from tests.gateway.edge.test_vitals import vitals_of
from tests.servers.process import free_port


def settings_in(folder: Path, *, http: str = "", metrics: str = "") -> Settings:
    return Settings(
        data=Data(folder=str(folder)),
        gateway=Gateway(name="north", http=http or f"127.0.0.1:{free_port()}"),
        metrics=Metrics(gateway=metrics),
    )


async def asked(door: WaitingDoor, method: str, path: str, token: str = "none") -> tuple[int, str]:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.request(
            method, f"http://{door.address}{path}", json={}, headers={"Authorization": f"Bearer {token}"}
        )
        return answer.status_code, answer.text


async def test_it_says_what_is_waited_for(tmp_path):
    now = [5_000]
    door = WaitingDoor(settings_in(tmp_path), lambda: now[0])
    await door.open()
    now[0] += 61_000
    status, text = await asked(door, "GET", "/health")
    health = json.loads(text)
    assert (status, health["well"], health["name"]) == (200, False, "north")
    assert (health["inbox"]["trouble"], health["inbox"]["failing_s"]) == (OPENING, 61.0)
    door.trouble = "Kafka at 127.0.0.1:9092: nobody answers"
    assert json.loads((await asked(door, "GET", "/health"))[1])["inbox"]["trouble"] == door.trouble
    assert (await asked(door, "GET", "/metrics"))[1].splitlines()[-1] == "threshold_gateway_inbox_well 0.0"
    await door.close()


async def test_a_command_is_refused_with_what_is_waited_for_and_only_with_the_token(tmp_path):
    door = WaitingDoor(settings_in(tmp_path), lambda: 0)
    door.trouble = "the disk is full"
    await door.open()
    token = (tmp_path / "door.token").read_text().strip()
    status, text = await asked(door, "POST", "/commands", token)
    assert (status, json.loads(text)) == (503, {"reason": "inbox-full", "detail": "the disk is full"})
    assert (await asked(door, "POST", "/commands", "another"))[0] == 401
    assert (await asked(door, "GET", "/nothing"))[0] == 404
    await door.close()


async def test_its_health_has_what_the_gateways_own_has(tmp_path):
    async with Inside(tmp_path) as inside:
        own = vitals_of(inside).health()
    waiting = WaitingDoor(settings_in(tmp_path), lambda: 0).health()
    assert waiting.keys() == own.keys()
    assert waiting["inbox"].keys() == own["inbox"].keys()


async def test_an_address_that_is_taken_is_tried_again_and_let_go_of_at_the_end(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        door = WaitingDoor(settings_in(tmp_path, http=f"127.0.0.1:{taken.getsockname()[1]}"), lambda: 0)
        await door.open()
        assert door.address == ""
    await door.open()
    assert (await asked(door, "GET", "/health"))[0] == 200
    await door.close()
    host, port = door.address.split(":")
    socket.create_server((host, int(port))).close()
    await door.close()


async def test_prometheus_hears_that_the_inbox_is_not_well(tmp_path):
    port = free_port()
    door = WaitingDoor(settings_in(tmp_path, metrics=f"127.0.0.1:{port}"), lambda: 0)
    await door.open()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    assert "threshold_gateway_inbox_well 0.0" in connection.getresponse().read().decode()
    connection.close()
    await door.close()
    socket.create_server(("127.0.0.1", port)).close()
