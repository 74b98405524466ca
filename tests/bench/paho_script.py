"""The script most sites would write: an open door is an alert, nothing is checked, nothing is on disk."""

import json
import sys

import paho.mqtt.client as mqtt


def on_connect(client, _data, _flags, _reason, _properties) -> None:
    client.subscribe([("zigbee2mqtt/#", 1), ("threshold/#", 1)])
    print("ready", flush=True)


def on_message(client, _data, message) -> None:
    said = json.loads(message.payload)
    if said.get("contact") is False or said.get("state") == "open":
        client.publish("alerts/" + message.topic, message.payload, qos=1)


if __name__ == "__main__":
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="paho-script", clean_session=False)
    client.max_inflight_messages_set(10_000)
    client.on_connect = on_connect
    client.on_message = on_message
    client.connect("127.0.0.1", int(sys.argv[1]), keepalive=60)
    client.loop_forever()
