"""Tells the core, on one box through the gateway's HTTP door, how a part of Threshold itself is.

A thread of its own: whoever reports must not wait.  The newest word about a part is what counts, and it is sent until
the door has taken it, for a report that nobody hears is a supervisor who is not called.
"""

import http.client
import json
import sys
import threading
from abc import ABC, abstractmethod
from pathlib import Path

_AGAIN_S = 5.0
_TIMEOUT_S = 5.0


class Teller(ABC):
    """Hands reports on by `_send`, which a way of telling provides.  `to` is who takes them, for a sentence."""

    def __init__(self, to: str) -> None:
        self._to = to
        self._waiting: dict[str, tuple[bool, str]] = {}
        self._said: dict[str, tuple[bool, str]] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def say(self, part: str, *, well: bool, detail: str = "", although_said: bool = False) -> None:
        """Report `part`, unless the same was the last word about it.  A part that was never unwell needs no word.

        `although_said`: whatever was said here before, for another process may have said something else since.
        """
        with self._changed:
            last = self._said.get(part, (True, ""))
            if not although_said and (last == (well, detail) or (last[0] and well)):
                return
            self._said[part] = self._waiting[part] = (well, detail)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
                self._thread.start()
            self._changed.notify()

    def waiting(self) -> int:
        """How many reports the door has not taken yet."""
        with self._changed:
            return len(self._waiting)

    def close(self) -> None:
        """End the thread.  What was not sent is not: the next process finds the same trouble and says so."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=_TIMEOUT_S + 1)

    def _run(self) -> None:
        silent = False
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or bool(self._waiting))
                if self._stopping:
                    return
                part, (well, detail) = next(iter(self._waiting.items()))
            trouble = self._send(part, well, detail)
            with self._changed:
                if not trouble:
                    silent = False
                    if self._waiting.get(part) == (well, detail):
                        del self._waiting[part]
                    continue
                if not silent:
                    silent = True
                    print(f"{self._to} did not take a report about {part}: {trouble}", file=sys.stderr)
                self._changed.wait_for(lambda: self._stopping, timeout=_AGAIN_S)

    @abstractmethod
    def _send(self, part: str, well: bool, detail: str) -> str:
        """ "" once it is durable, else why not."""


class Reporter(Teller):
    """`address` is the door's host:port; `token_file` is read at each attempt, for the gateway makes it."""

    def __init__(self, *, address: str, token_file: Path) -> None:
        super().__init__("the gateway's door")
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._token_file = token_file

    def _send(self, part: str, well: bool, detail: str) -> str:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            token = self._token_file.read_text().strip()
            body = json.dumps({"part": part, "well": well, "detail": detail[:500]})
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request("POST", "/reports", body, headers)
            answer = connection.getresponse()
            text = answer.read(500)
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        finally:
            connection.close()
        return "" if answer.status == 200 else f"{answer.status} {text.decode(errors='replace')}"
