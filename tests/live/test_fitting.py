"""A sensor out of the drawer, fitted: through the real processes, over real MQTT, at the real desk."""

import json
import re
import time

import httpx
import paho.mqtt.client as paho
import pytest

from deploy.demo_desk import fill
from tests.gateway.worlds import SECRET, SECRET_SHA256
from tests.live.box import Box
from tests.live.test_kill import decisions_of, is_of_ours
from tests.waiting import wait_until

FLEET = (
    f'[[device]]\nid = "spare-1"\nformat = "native"\ntopic = "threshold/pool/spare-1"\nhousehold = "pool"\n'
    f'secret_sha256 = "{SECRET_SHA256}"\n'
    # Wired the other way round than its row says: ON is open.
    f'[[device]]\nid = "spare-2"\nformat = "esphome"\ntopic = "esp-2/binary_sensor/door"\nhousehold = "pool"\n'
    f'open_is = "OFF"\nsecret_sha256 = "{SECRET_SHA256}"\n'
    f'[[device]]\nid = "door-1"\nformat = "native"\ntopic = "threshold/g017/door-1"\nhousehold = "g017/3/1203"\n'
    f'secret_sha256 = "{SECRET_SHA256}"\n'
)


class Sensor:
    """One MQTT connection that is a sensor."""

    def __init__(self, box: Box, name: str) -> None:
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name)
        self.client.username_pw_set(name, SECRET)
        self.client.connect("127.0.0.1", box.port)
        self.client.loop_start()

    def says(self, topic: str, payload: str) -> None:
        said = self.client.publish(topic, payload, qos=1)
        said.wait_for_publish(60)
        assert said.is_published(), topic

    def door(self, state: str) -> None:
        self.says("threshold/pool/spare-1/door", json.dumps({"state": state, "at": int(time.time() * 1000)}))

    def leaves(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Worker:
    """Somebody at the desk."""

    def __init__(self, box: Box) -> None:
        address = f"http://{box.settings.desk.listen}"
        self.http = httpx.Client(base_url=address, headers={"Origin": address}, timeout=60)
        login = {"name": "worker", "password": "threshold-demo"}
        assert self.http.post("/login", data=login).headers["location"] == "/"

    def begins(self, household: str, device: str) -> str:
        days = [time.strftime("%Y-%m-%d", time.gmtime(time.time() + n * 86_400)) for n in (-1, 7)]
        data = {"household": household, "device": device, "first": days[0], "last": days[1]}
        begun = self.http.post("/g/g017/devices/fit", data=data)
        assert begun.status_code == 303, begun.text
        return begun.headers["location"]

    def sees(self, page: str) -> tuple[str, str]:
        """The state of the test, and the whole page."""
        text = self.http.get(page).text
        found = re.search(r'data-state="([a-z]+)"', text)
        assert found is not None, text
        return found[1], text

    def arms(self, page: str) -> int:
        return self.http.post(f"{page}/arm", headers={"Accept": "application/json"}).status_code


@pytest.mark.live
@pytest.mark.timeout(180)
def test_open_and_close_the_door_now_proves_the_sensor_and_arms_the_case(tmp_path):
    box = Box(tmp_path / "box", FLEET)
    fill(box.settings, tmp_path / "logins.json")
    try:
        box.start()
        box.wait_ready()
        worker, sensor, reversed_one = Worker(box), Sensor(box, "spare-1"), Sensor(box, "spare-2")
        sensor.door("closed")

        page = worker.begins("g017/3/1204", "spare-1")
        assert worker.sees(page)[0] == "waiting"
        assert worker.arms(page) == 409
        began_s = time.time()
        sensor.door("open")
        wait_until(lambda: worker.sees(page)[0] == "opened", 60, "the opening on the desk")
        assert worker.arms(page) == 409, "half a test is none"
        sensor.door("closed")
        wait_until(lambda: worker.sees(page)[0] == "passed", 60, "the whole test")
        lasted_s = time.time() - began_s
        told = worker.sees(page)[1]
        assert "native · threshold/pool/spare-1" in told
        # Its own clock is this machine's: to the gateway, and from there to the desk, took no longer than the test did.
        seconds = [float(s) for s in re.findall(r"([0-9.]+) 秒", told)]
        assert len(seconds) == 2
        assert max(seconds) <= lasted_s + 0.1
        assert [d for d in decisions_of(box) if is_of_ours(d)] == [], "an opening in the drawer is nobody's alarm"

        # The other sensor says closed when it is opened: it is found out, and not armed.
        other = worker.begins("g017/3/1205", "spare-2")
        for word in ("ON", "OFF"):
            reversed_one.says("esp-2/binary_sensor/door/state", word)
        wait_until(lambda: worker.sees(other)[0] == "reversed", 60, "the polarity")
        assert "open_is" in worker.sees(other)[1]
        assert worker.arms(other) == 409

        assert worker.arms(page) == 200
        # A pool's sensor is now that household's: its next opening is one.
        sensor.door("open")
        wait_until(lambda: any(d.decision == "raised" for d in decisions_of(box) if is_of_ours(d)), 60, "the incident")
        raised = [(d.kind, d.subject) for d in decisions_of(box) if is_of_ours(d) and d.decision == "raised"]
        assert raised == [("undeclared-opening", "g017/3/1204")]
        for one in (sensor, reversed_one):
            one.leaves()
        box.stop()
    finally:
        box.remove()
