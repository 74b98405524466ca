"""`./threshold sniff`: listen to a broker, recognise devices by what they send, propose their rows.

That is how an installer starts: sniff, open each door once and close it again, read the table, and give each row its
household.  Until then a device is in the pool (`household = "pool"`), where it raises nothing.
"""

import sys
import threading
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from deploy.sniffed import Heard, Sniffed
from devices.edge import fleet_file
from devices.edge.complaints import Complaint
from devices.fleet import Bridge, Device
from devices.fleet_text import bridge_text, device_text
from devices.formats import table

_CONNECT_TIMEOUT_S = 15.0
_UNKNOWN_SHOWN = 10


def main(broker: str, seconds: float = 300, write: Path | None = None) -> int:
    """Listen for `seconds`, show what was found, append the rows to `write`.  Returns the exit code."""
    screen = Console(stderr=True)
    sniffed = Sniffed(table())
    known: list[Device] = []
    before = ""
    if write is not None and write.exists():
        try:
            known = list(fleet_file.load(write).devices.values())
            before = write.read_text(encoding="utf-8")
        except Complaint as complaint:
            print(complaint, file=sys.stderr)
            return 2
    try:
        listen(broker, seconds, sniffed, screen)
    except (OSError, ValueError) as error:
        print(f"{broker}: {error}. Give --broker as mqtt://[user:password@]host[:port].", file=sys.stderr)
        return 1
    rows = new_rows(sniffed, known)
    show(sniffed, rows, Console())
    bridges = [bridge for bridge in sniffed.bridges() if f'topic = "{bridge.topic}"' not in before]
    if write is not None and (rows or bridges):
        with write.open("a", encoding="utf-8") as file:
            file.write(as_text(rows, bridges))
        ready = sum(is_ready(device) for device, _ in rows)
        print(f"{write}: {ready} rows added; {len(rows) - ready} more stand there as comments until their doors speak.")
    return 0


def listen(broker: str, seconds: float, into: Sniffed, screen: Console) -> None:
    """Subscribe to everything for `seconds`.  Raises OSError where the broker cannot be reached or refuses us."""
    parts = urlsplit(broker if "://" in broker else f"mqtt://{broker}")
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError("this is no address of a broker")
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if parts.scheme == "mqtts":
        client.tls_set()
    answered = threading.Event()
    refused: list[str] = []

    def connected(_client: paho.Client, _data: object, _flags: object, reason: object, _properties: object) -> None:
        if getattr(reason, "is_failure", False):
            refused.append(str(reason))
        else:
            client.subscribe("#", qos=0)
        answered.set()

    def lost(_client: paho.Client, _data: object, _flags: object, reason: object, _properties: object) -> None:
        # A disconnect of our own at the end is no failure; until then the client tries again by itself.
        if getattr(reason, "is_failure", False) and not refused:
            screen.print(f"the broker went away ({reason}); trying again", highlight=False)

    def heard(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # a topic that is no text is no device's
        into.hear(topic, bytes(message.payload))

    client.on_connect, client.on_disconnect, client.on_message = connected, lost, heard
    client.connect(parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883))
    client.loop_start()
    try:
        if not answered.wait(_CONNECT_TIMEOUT_S):
            raise OSError("the broker does not answer")
        if refused:
            raise OSError(f"the broker refuses us: {refused[0]}")
        _wait(seconds, into, screen)
    finally:
        client.disconnect()
        client.loop_stop()


def _wait(seconds: float, into: Sniffed, screen: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    end = time.monotonic() + seconds
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("", total=seconds)
        while (left := end - time.monotonic()) > 0:
            said = f"{into.messages} messages, {len(into.heard)} devices. Open each door once, and close it."
            progress.update(task, completed=seconds - left, description=said)
            time.sleep(min(0.5, left))


def new_rows(sniffed: Sniffed, known: list[Device]) -> list[tuple[Device, Heard]]:
    """The rows that are not in the fleet yet, with ids that nothing there has."""
    there = {(device.format, device.topic, device.address) for device in known}
    return [
        (device, heard)
        for device, heard in sniffed.devices(frozenset(device.id for device in known))
        if (device.format, device.topic, device.address) not in there
    ]


def is_ready(device: Device) -> bool:
    """Whether the row says all that its format needs: a wired contact's polarity may not be known yet."""
    return not table()[device.format].profile.needs_open_is or bool(device.open_is) or _says_itself(device)


def _says_itself(device: Device) -> bool:
    """Behind a Tasmota board only a switch hangs on its wiring; a radio contact says what it means."""
    return device.format == "tasmota" and bool(device.address) and not device.address.startswith("Switch")


def polarity(device: Device, heard: Heard) -> str:
    """What is known of the contact's polarity, in words for the table."""
    if heard.proposal.sort == "thermometer":
        return ""
    if device.open_is:
        return f"open is {device.open_is} (seen to open and close)"
    if not is_ready(device):
        words = "/".join(dict.fromkeys(heard.words)) or "nothing yet"
        return f"NOT KNOWN: {words} heard; open the door once and close it"
    if len(heard.states) > 1:
        return "seen to open and close"
    return "open now" if heard.states == [True] else "closed now" if heard.states else ""


def show(sniffed: Sniffed, rows: list[tuple[Device, Heard]], screen: Console) -> None:
    """The table of what was found."""
    found = Table("id", "format", "topic", "address", "kind", "messages", "door", title="recognised")
    for device, heard in rows:
        proposal = heard.proposal
        found.add_row(
            device.id, device.format, device.topic, device.address, proposal.sort, str(heard.messages),
            polarity(device, heard),
        )  # fmt: skip
    for bridge in sniffed.bridges():
        found.add_row(bridge.id, "", bridge.topic, "", "bridge", "", "")
    if found.row_count:
        screen.print(found)
    else:
        screen.print(
            f"nothing recognised in {sniffed.messages} messages: is it the right broker, and were doors opened?"
        )
    if strangers := sniffed.strangers():
        shown = ", ".join(f"{topic} ({count})" for topic, count in strangers[:_UNKNOWN_SHOWN])
        screen.print(f"{len(strangers)} topics carry no door and no thermometer: {shown}", highlight=False)


def as_text(rows: list[tuple[Device, Heard]], bridges: list[Bridge]) -> str:
    """Rows of a fleet file; what cannot stand there yet is a comment that says what is missing."""
    parts = ["\n# Proposed by `threshold sniff`. Give each device its household or checkpoint.\n"]
    bridge_note = "# A bridge: say whose grid it is, and take the signs # away.\n"
    parts.extend(bridge_note + _commented(bridge_text(bridge)) for bridge in bridges)
    for device, heard in rows:
        text = device_text(device)
        if heard.proposal.sort == "thermometer":
            text = '# A thermometer: checkpoint = "grid/name" instead of household, and site = "forehead".\n' + text
        elif device.open_is:
            text = f"# The door was seen to open and close: {device.open_is} came and went. Confirm it.\n" + text
        elif not is_ready(device):
            words = " / ".join(dict.fromkeys(heard.words))
            text = f"# Which word is open is not known ({words}): open the door once and close it, then sniff again.\n"
            text += _commented(device_text(device).rstrip() + '\nopen_is = "?"\n\n')
        parts.append(text)
    return "".join(parts)


def _commented(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" if line.strip() else "\n" for line in text.splitlines())
