"""How each format is connected: the words of the docs' pages that no table of the code holds.

One row a format: its name for a reader, the way of its data hop by hop, the steps of connecting it, and what it leaves
open.  `deploy/format_pages.py` makes the pages of these rows, the formats' profiles and the corpus.
"""

import msgspec


class Guide(msgspec.Struct, frozen=True):
    """One format's words.  `way` is (who, how it reaches the next); the last one speaks to Threshold."""

    title: str
    devices: str
    way: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    limits: tuple[str, ...] = ()


_GATEWAY_JSON = "Bridge the gateway's messages to MQTT, as they are, on one topic for a gateway."
_PUSH_DOOR = "Open the push door: `[gateway.push]` with `listen`, `certificate`, `private_key`."
_TRY_IT = "`./threshold push --try --key KEY` asks the running door whether all of it holds."
_OPEN_IS = "Say in the row which word means open: `open_is`. `./threshold sniff` finds it while you open the door once."

GUIDES: dict[str, Guide] = {
    "native": Guide(
        "Threshold's own words",
        "thermometer guns, the checkpoint page, programmable sensors (ESP32 and the like)",
        (("sensor or gun", "MQTT"),),
        (
            "Give the device its id and secret: `./threshold fleet add`.",
            "Let it connect to the gateway with that id and secret and publish below `threshold/<grid>/<device>/`.",
            "Send `seq` or `at` with each message: a message sent twice is then one event.",
            "Send `n`, a running count of openings, with `door`: lost openings are then found.",
            "Set a last will `offline` on `…/status`, and send `heartbeat` every few minutes.",
        ),
        ("Without `report_every_s` in the row an hour is taken for a door, and nothing for a gun.",),
    ),
    "zigbee2mqtt": Guide(
        "Zigbee2MQTT",
        "any Zigbee door contact that Zigbee2MQTT knows (Aqara, Sonoff, Tuya, IKEA, Heiman …)",
        (("door contact", "Zigbee"), ("coordinator stick", "USB"), ("Zigbee2MQTT", "MQTT"), ("broker", "MQTT")),
        (
            "Pair the contact in Zigbee2MQTT and give it a friendly name; `/` in the name is fine.",
            "Set `last_seen: ISO_8601` (or `epoch`): a message sent twice is then one event.",
            "Switch `availability` on, and add a `[[bridge]]` row with the topic `zigbee2mqtt/bridge/state`.",
            'Write the row with `topic = "zigbee2mqtt/<FRIENDLY_NAME>"`.',
            "Without a broker: `./threshold fleet add --bridge z2m-17 …`, as the README has it, makes it a password.",
            "Zigbee2MQTT's `mqtt:` then names the gateway as `server`, and that row's `user`, `password`, `client_id`.",
        ),
        (
            "It counts no openings: one that is lost between contact and coordinator is found only by the next state.",
            "Zigbee2MQTT repeats what it remembers after a restart; that is compared, never alarmed as an opening.",
        ),
    ),
    "tasmota": Guide(
        "Tasmota",
        "boards with a reed switch, Zigbee bridges running Zigbee2Tasmota, 433 MHz bridges",
        (("reed, Zigbee or 433 MHz contact", "wire or radio"), ("Tasmota board", "MQTT"), ("broker", "MQTT")),
        (
            'Switch: set `SetOption114 1`, so that a moving switch sends `{"Switch1":{"Action":"ON"}}`.',
            _OPEN_IS,
            'Several switches on one board: one row each, `address = "Switch2"`.',
            "Zigbee: `address` is the name (`ZbName`) or the short address.",
            "A Zigbee contact that says `Power` instead of `Contact` needs `open_is`, 1 or 0, in its row.",
            "433 MHz: `address` is the code of opening; `closed_code`, `tamper_code`, `battery_code` if it has them.",
            'Another order of the topic: `full_topic = "%topic%/%prefix%/"`.',
        ),
        (
            "Most 433 MHz contacts know only open: the door is never seen to close.",
            "433 MHz contacts never check in: a dead one is not noticed. A Zigbee one is taken to every four hours.",
            "Its `Time` says no zone and is not used: an opening is dated by its arrival.",
        ),
    ),
    "shelly-gen1": Guide(
        "Shelly Door/Window 1 and 2",
        "Shelly Door/Window, Shelly Door/Window 2 (Wi-Fi, first generation)",
        (("Shelly DW", "Wi-Fi, MQTT"), ("broker", "MQTT")),
        (
            "Switch MQTT on in the Shelly's page and name the broker, or the gateway itself.",
            'Write the row with `topic = "shellies/<id>"`, as shellies/shellydw2-73C75E.',
            "Without MQTT, by webhook: `./threshold fleet add --platform shelly-1 --kind shelly` makes a key.",
            "Enter the addresses of `./threshold push` at the Shelly's actions: opened, closed, report.",
            'The row then has `topic = "push/shelly-1/<id>"`.',
        ),
        (
            "It sleeps: silence is noticed after two and a half of its wake-ups, more than a day by the default.",
            "What woke it comes in a message of its own (`act_reasons`), beside the state.",
            "A webhook is tried once: what happens while the gateway is away is lost; MQTT finds it by the next state.",
        ),
    ),
    "shelly-blu": Guide(
        "Shelly BLU Door/Window",
        "Shelly BLU Door/Window (SBDW-002C) and other BTHome contacts behind a Shelly of generation 2 or later",
        (("BLU sensor", "Bluetooth"), ("Shelly gateway", "Wi-Fi, MQTT"), ("broker", "MQTT")),
        (
            "Add the sensor to the Shelly as BTHome device; note the component of its window, as `bthomesensor:200`.",
            'Switch MQTT and "RPC status notifications over MQTT" on.',
            "Write the row with the gateway's prefix as `topic` and the component as `address`.",
            "Ask once for `BTHomeDevice.GetKnownObjects` over MQTT: its battery's component is then known too.",
            "Without MQTT, by webhook: `./threshold fleet add --platform shelly-1 --kind shelly` makes a key.",
            "Create a webhook on the component's change with the address of `./threshold push`.",
            'The row then has `topic = "push/shelly-1/<gateway>"`.',
        ),
        ("In beacon mode the last status is repeated; a value that stays is no opening.",),
    ),
    "esphome": Guide(
        "ESPHome",
        "ESP boards with a reed switch, programmed with ESPHome",
        (("reed switch", "wire"), ("ESPHome node", "Wi-Fi, MQTT"), ("broker", "MQTT")),
        (
            "Give the node an `mqtt:` section; leave `birth_message` and `will_message` as they are.",
            'Write the row with `topic = "<node>/binary_sensor/<name>"`.',
            _OPEN_IS,
        ),
        (
            "ON and OFF are all it says: no counter, no time, no battery unless the node has a sensor for it.",
            "Give the row `report_every_s` where the node has one; silence is else noticed by its last will.",
        ),
    ),
    "homeassistant": Guide(
        "Home Assistant MQTT discovery",
        "whatever announces itself with a `homeassistant/binary_sensor/…/config` message",
        (("sensor", "its own way"), ("bridge that speaks discovery", "MQTT"), ("broker", "MQTT")),
        (
            "Write the row with the state topic as `topic` and the object of the configuration topic as `address`.",
            _OPEN_IS,
            "Copy `expire_after` into `report_every_s`, divided by 2.5; `./threshold sniff` does so.",
        ),
        (
            "Of `value_template` only plain forms are understood; anything else is refused, never run.",
            "The configuration must be heard before the first state: it is retained, so it is.",
        ),
    ),
    "aqara": Guide(
        "Aqara / Xiaomi gateway, LAN protocol",
        "MCCGQ01LM, MCCGQ11LM behind a gateway with the LAN protocol switched on",
        (("door contact", "Zigbee"), ("Aqara gateway", "UDP multicast"), ("a UDP-to-MQTT bridge", "MQTT")),
        (
            "Switch the LAN protocol on in the gateway (developer mode of the app).",
            _GATEWAY_JSON,
            "Write one row a sensor, `address` its `sid`.",
        ),
        (
            "It has no time of its own and no counter.",
            "`no_close` says that the door stands open; it is no new opening.",
        ),
    ),
    "tuya": Guide(
        "Tuya contact sensors",
        "category `mcs` of Tuya, through TuyaLink, the cloud's message service or a local bridge",
        (("door contact", "Wi-Fi or Zigbee"), ("Tuya gateway or cloud", "HTTPS, MQTT"), ("bridge", "MQTT")),
        (
            "Bridge the data points to MQTT: by name, as `status` list or as TuyaLink's `data`.",
            "Many devices on one topic: one row each, `address` the device id.",
        ),
        ("Through the cloud it needs the internet: without it, doors are silent.",),
    ),
    "deconz": Guide(
        "deCONZ / Phoscon",
        "Zigbee contacts behind a ConBee or RaspBee with deCONZ",
        (
            ("door contact", "Zigbee"),
            ("ConBee", "USB"),
            ("deCONZ", "websocket"),
            ("a websocket-to-MQTT bridge", "MQTT"),
        ),
        (_GATEWAY_JSON, "Write one row a sensor, `address` its `uniqueid` (or its number)."),
        ("`lastupdated` says no zone and is not used as a time.",),
    ),
    "enocean": Guide(
        "EnOcean window contacts",
        "EnOcean contacts and handles (D5-00-01, F6-10-00) behind an EnOcean-to-MQTT bridge",
        (("contact, without a battery", "EnOcean radio"), ("USB stick", "USB"), ("EnOcean-to-MQTT bridge", "MQTT")),
        (
            "Let the bridge write `status`, `timestamp` and `since`.",
            "Write the row with the bridge's topic of the contact.",
        ),
        ("A handle that is tilted counts as open.", "Harvested energy may end on a dark day: silence is a real state."),
    ),
    "sparkplug-b": Guide(
        "Sparkplug B",
        "industrial gateways and PLCs",
        (("contact", "wire"), ("edge node", "MQTT, protobuf"), ("broker", "MQTT")),
        (
            'Write the row with `topic = "spBv1.0/<group>"` and `address = "<group>/<edge node>/<device>"`.',
            'Name the door\'s metric `Open` (true is open), or say it in the row: `metric = "DI/4"` and `open_is`.',
        ),
        ("Aliases are known only from a birth; until one is heard, data by alias is refused. Ask for a rebirth.",),
    ),
    "lwm2m-senml": Guide(
        "LwM2M, SenML JSON",
        "NB-IoT contacts behind a LwM2M server (objects 3342, 3200, 3303, 3)",
        (("NB-IoT contact", "CoAP, LwM2M"), ("LwM2M server", "MQTT")),
        (
            "Let the server observe 3342/0/5500 and 5501 and publish SenML JSON, one topic a device.",
            _OPEN_IS,
            'Several contacts on one module: one row each, `address = "3342/1"`.',
        ),
        ("5501 counts changes from 0 to 1: it finds lost openings only where 1 is open.",),
    ),
    "ctwing": Guide(
        "China Telecom CTWing (AEP)",
        "NB-IoT door contacts (NB门磁) on China Telecom's platform",
        (("NB-IoT contact", "NB-IoT"), ("CTWing", "HTTPS push"), ("Threshold's push door", "")),
        (
            _PUSH_DOOR,
            "`./threshold fleet add --platform ctwing-1 --kind ctwing` shows the platform's key, once.",
            "Subscribe to data, events and online/offline in CTWing's console with the address of `./threshold push`.",
            "CTWing signs nothing and sets no header: the key is the end of that address.",
            "Give the product a profile whose values have names: a transparent product cannot be read.",
            'Write one row a device, `topic = "push/ctwing-1"` and `address` its `deviceId`.',
            _TRY_IT,
        ),
        ("1 counts as open unless the row's `open_is` says else: confirm it at the fitting test.",),
    ),
    "onenet": Guide(
        "China Mobile OneNET",
        "NB-IoT door contacts on China Mobile's platform (LwM2M objects)",
        (("NB-IoT contact", "NB-IoT, LwM2M"), ("OneNET", "HTTPS push"), ("Threshold's push door", "")),
        (
            _PUSH_DOOR,
            "Put a token into a file; `./threshold fleet add --platform onenet-1 --kind onenet --token-file FILE`.",
            "Add a data push in OneNET's console with the address of `./threshold push` and that token.",
            "OneNET verifies the address at once. Encryption: put its key into a file and name it as `aes_key_file`.",
            'Write one row a device, `topic = "push/onenet-1"` and `address` its `imei` or `dev_id`.',
            _TRY_IT,
        ),
        ("1 counts as open unless the row's `open_is` says else: confirm it at the fitting test.",),
    ),
    "chirpstack": Guide(
        "ChirpStack (LoRaWAN)",
        "Dragino LDS01, LDS02 behind your own LoRaWAN network",
        (("LDS02", "LoRaWAN"), ("LoRaWAN gateway", "UDP or MQTT"), ("ChirpStack", "MQTT JSON")),
        (
            "Add the device in ChirpStack, JSON marshaler; the codec is welcome and not needed.",
            'Write the row with `topic = "application/<id>"` and the DevEUI as `address`.',
            "Without its broker: `./threshold fleet add --platform chirpstack-1 --kind chirpstack` makes a key.",
            "Add an HTTP integration, JSON, with the address and the header of `./threshold push`.",
            'The row then has `topic = "push/chirpstack-1"`.',
            _TRY_IT,
        ),
        ("It checks in once a day: a silent sensor is noticed after two and a half days.",),
    ),
    "ttn": Guide(
        "The Things Stack / The Things Network",
        "Dragino LDS01, LDS02 on The Things Stack version 3",
        (("LDS02", "LoRaWAN"), ("LoRaWAN gateway", "IP"), ("The Things Stack", "MQTT or webhook")),
        (
            "Add the device; the payload formatter is welcome and not needed.",
            'Write the row with `topic = "v3/<application>@<tenant>/devices"` and the DevEUI as `address`.',
            "As webhook: `./threshold fleet add --platform ttn-1 --kind ttn` makes a key.",
            "Add a webhook, JSON, for uplinks and joins, with the base URL and the header of `./threshold push`.",
            'The row then has `topic = "push/ttn-1"`.',
            _TRY_IT,
        ),
        ("It checks in once a day: a silent sensor is noticed after two and a half days.",),
    ),
    "ble-thermometer": Guide(
        "Bluetooth thermometers",
        "thermometers with Bluetooth's Health Thermometer service (0x1809)",
        (("thermometer", "Bluetooth, 0x2A1C"), ("a tablet or an ESP32", "MQTT, the raw bytes")),
        (
            "Pass each indication of 0x2A1C on as it is, as the payload of one message.",
            "Write the row with `checkpoint` and `site`: Bluetooth has no code for forehead and wrist.",
        ),
        ("Its time says no zone and is not used.",),
    ),
}
