"""`./threshold push`: what to enter at each platform, and whether the push door answers as it should.

With `--try` it asks the running door: does TLS hold and how long is the certificate good, is a wrong key refused, is
the right one known.  Nothing it sends is taken in.
"""

import http.client
import secrets
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from devices.edge import fleet_file, settings
from devices.edge.complaints import Complaint
from devices.edge.settings import Push, split_address
from devices.fleet import Fleet, Platform
from gateway.edge.push_secrets import platforms
from gateway.push.address import PREFIX
from gateway.push.keys import KEY_HEADER
from gateway.push.onenet import signature_of

_PATIENCE_S = 10.0
_SOON_DAYS = 30
_HEADER = KEY_HEADER.title()
# Whose key is in the address because they can set no header.
_IN_PATH = frozenset({"ctwing", "shelly"})


def main(
    config: Path, platform: str | None = None, attempt: bool = False, key: str | None = None, ca: Path | None = None
) -> int:
    """Print what to enter at the platforms; with `attempt` ask the door.  Returns the exit code."""
    try:
        read = settings.load(config)
        fleet = fleet_file.load(read.fleet_path)
        rows = _chosen(fleet, platform)
    except Complaint as complaint:
        print(complaint, file=sys.stderr)
        return 2
    except KeyError:
        print(f"threshold: {read.fleet_path} has no platform {platform!r}", file=sys.stderr)
        return 2
    push = read.gateway.push
    if not rows:
        print("no [[platform]] in the fleet: `./threshold fleet add --platform ttn-1 --kind ttn` makes one")
        return 0
    base = base_of(push)
    for row in rows:
        print("\n".join(told(row, base)), end="\n\n")
    if not push.listen:
        print("the push door is off: set [gateway.push] listen, certificate and private_key", file=sys.stderr)
        return 1 if attempt else 0
    return 0 if not attempt or tried(rows, push, fleet, read.site.fleet, key, ca) else 1


def _chosen(fleet: Fleet, platform: str | None) -> list[Platform]:
    return [fleet.platforms[platform]] if platform else list(fleet.platforms.values())


def base_of(push: Push) -> str:
    """Where platforms reach the door: `public_url`, else the address it listens on."""
    if push.public_url:
        return push.public_url.rstrip("/")
    if not push.listen:
        return "https://YOUR-ADDRESS"
    host, port = split_address(push.listen)
    shown = "YOUR-ADDRESS" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"{'https' if push.certificate else 'http'}://{shown}:{port}"


def told(row: Platform, base: str, key: str = "KEY") -> list[str]:
    """What to enter at a platform, line by line; `KEY` stands for its key, which is kept hashed."""
    address = f"{base}/{PREFIX}/{quote(row.id)}"
    lines = [f"{row.id} ({row.kind}), its devices on {row.topic}"]
    shown = quote(key, safe="")
    match row.kind:
        case "ctwing":
            lines += [f"  subscribe in CTWing's console with the address  {address}/{shown}"]
        case "onenet":
            lines += [f"  add a data push in OneNET's console: address    {address}"]
            lines += [f"  and as token what stands in                      {row.token_file}"]
        case "ttn":
            lines += [f"  add a webhook, format JSON, base URL             {address}"]
            lines += [f"  with the additional header                       {_HEADER}: {key}"]
        case "chirpstack":
            lines += [f"  add an HTTP integration, JSON, event endpoint    {address}"]
            lines += [f"  with the header                                  {_HEADER}: {key}"]
        case "shelly":
            lines += [f'  Door/Window, action "opened"                     {address}/{shown}/DEVICE/open']
            lines += [f'  action "closed"                                  {address}/{shown}/DEVICE/close']
            blu = f"{address}/{shown}/GATEWAY/bthomesensor:200?value=" + "${ev.value}"
            lines += [f"  BLU behind a gateway, webhook                    {blu}"]
    return lines


def tried(rows: list[Platform], push: Push, fleet: Fleet, file: str, key: str | None, ca: Path | None) -> bool:
    """Ask the door, print what it said; whether all is well."""
    try:
        held = platforms(fleet, file)
        door = _Door(push, ca)
        good = _line(door.ask("GET", f"/{PREFIX}/")[0] == 404, f"the door answers at {door.where}")
    except Complaint as complaint:
        print(complaint, file=sys.stderr)
        return False
    except (OSError, http.client.HTTPException) as error:
        return _line(False, f"the door at {base_of(push)} does not answer: {error}")
    if door.good_until is not None:
        days = (door.good_until - datetime.now(UTC)).days
        good &= _line(days > _SOON_DAYS, f"its certificate is good for {days} days")
    for row in rows:
        try:
            good &= _one(door, row, held[row.id].token, key)
        except (OSError, http.client.HTTPException) as error:
            good = _line(False, f"{row.id}: {error}")
    return good


def _one(door: "_Door", row: Platform, token: str, key: str | None) -> bool:
    path = f"/{PREFIX}/{quote(row.id)}"
    wrong = secrets.token_urlsafe(12)
    if row.kind == "onenet":
        status, said = door.ask("GET", f"{path}?{_verification(token, wrong)}")
        good = _line(status == 200 and said == wrong, f"{row.id}: its token verifies the address ({status})")
        status, _ = door.ask("GET", f"{path}?{_verification(token + wrong, wrong)}")
        return _line(status == 403, f"{row.id}: another token is refused ({status})") and good
    status = door.show(row, path, wrong)
    good = _line(status == 403, f"{row.id}: a wrong key is refused ({status})")
    if key is None:
        print(f"  --   {row.id}: give its key with --key to see whether it is the right one")
        return good
    # A method that no platform uses is looked at behind the key: 405 says that the key was right.
    status = door.show(row, path, key)
    return _line(status == 405, f"{row.id}: the key given is its key ({status})") and good


def _verification(token: str, msg: str) -> str:
    nonce = secrets.token_hex(4)
    return urlencode({"msg": msg, "nonce": nonce, "signature": signature_of(token, nonce, msg.encode())})


def _line(good: bool, what: str) -> bool:
    print(f"  {'ok' if good else 'NO'}   {what}")
    return good


class _Door:
    """The running door, asked as a platform asks it.  Raises OSError where it does not answer or TLS does not hold."""

    def __init__(self, push: Push, ca: Path | None) -> None:
        url = urlsplit(push.public_url) if push.public_url else None
        host, port = split_address(push.listen)
        self._secure = url.scheme == "https" if url else bool(push.certificate)
        self._host = (url.hostname or "") if url else {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        self._port = (url.port or (443 if self._secure else 80)) if url else port
        self._context = ssl.create_default_context(cafile=None if ca is None else str(ca)) if self._secure else None
        self.where = f"{self._host}:{self._port}"
        self.good_until: datetime | None = None

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        if self._context is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=_PATIENCE_S, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_S)
        try:
            connection.request(method, path, headers=headers or {})
            if isinstance(connection.sock, ssl.SSLSocket):
                self._look_at(connection.sock)
            answer = connection.getresponse()
            return answer.status, answer.read(10_000).decode("utf-8", "replace")
        finally:
            connection.close()

    def show(self, row: Platform, path: str, key: str) -> int:
        """The status of a request that shows this key the way the platform does."""
        if row.kind in _IN_PATH:
            return self.ask("PUT", f"{path}/{quote(key, safe='')}")[0]
        return self.ask("PUT", path, {KEY_HEADER: key})[0]

    def _look_at(self, sock: ssl.SSLSocket) -> None:
        until = (sock.getpeercert() or {}).get("notAfter")
        if isinstance(until, str):
            self.good_until = datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)
