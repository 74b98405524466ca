"""Tells the core, on one box through the gateway's HTTP door, how a part of Threshold itself is.

A thread of its own: whoever reports must not wait.  The newest word about a part is what counts, and it is sent until
the door has taken it, for a report that nobody hears is a supervisor who is not called.

The first word of a process that a part is well is for the case that another process said otherwise and ended: it goes
out only if a report about the part stands, so that a start where nothing was wrong leaves nothing in `inbox`.
"""

import http.client
import json
import sys
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple

from streams.troubles import Detail, fields

_AGAIN_S = 5.0
_TIMEOUT_S = 5.0
_REPEAT_S = 300.0


class Word(NamedTuple):
    """What is said of a part.  `if_standing`: only where a report that it is unwell stands."""

    well: bool
    told: Detail
    if_standing: bool = False


class Teller(ABC):
    """Hands reports on by `_send`, which a way of telling provides.  `to` is who takes them, for a sentence.

    `shared`: parts that other processes report under the same name.  That they are unwell is said again and again while
    it is so, for another one may say well, which knows of itself alone.
    """

    shared: frozenset[str] = frozenset()

    def __init__(self, to: str) -> None:
        self._to = to
        self._waiting: dict[str, Word] = {}
        self._said: dict[str, Word] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def say(self, part: str, *, well: bool, detail: Detail = "", although_said: bool = False) -> None:
        """Report `part`, unless the same was the last word about it.  That it is well, as the first word, goes out only
        where a report about it stands.

        `although_said`: whatever was said here before, for another process may have said something else since.
        """
        with self._changed:
            last = self._said.get(part)
            if not although_said and last is not None and ((last.well and well) or last[:2] == (well, detail)):
                return
            word = Word(well, detail, if_standing=well and last is None and not although_said)
            self._said[part] = self._waiting[part] = word
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
                self._thread.start()
            self._changed.notify()

    def waiting(self) -> int:
        """How many reports the door has not taken yet."""
        with self._changed:
            return sum(not word.if_standing for word in self._waiting.values())

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
                every_s = _REPEAT_S if self._repeated() else None
                self._changed.wait_for(lambda: self._stopping or bool(self._waiting), timeout=every_s)
                if self._stopping:
                    return
                if not self._waiting:
                    self._waiting.update(self._repeated())
                    continue
                # What is wrong comes first: whether a report stands may not be known for long.
                part, word = min(self._waiting.items(), key=lambda each: each[1].if_standing)
            trouble = self._send(part, word)
            with self._changed:
                if not trouble:
                    silent = False
                    if self._waiting.get(part) is word:
                        del self._waiting[part]
                    continue
                if not silent and not word.if_standing:
                    silent = True
                    print(f"{self._to} did not take a report about {part}: {trouble}", file=sys.stderr)
                urgent = self._something_wrong if word.if_standing else lambda: self._stopping
                self._changed.wait_for(urgent, timeout=_AGAIN_S)

    def _something_wrong(self) -> bool:
        """Whether what can wait has to: there is something to say at once, or the process is to end."""
        return self._stopping or any(not word.if_standing for word in self._waiting.values())

    def _repeated(self) -> dict[str, Word]:
        return {part: word for part, word in self._said.items() if part in self.shared and not word.well}

    @abstractmethod
    def _send(self, part: str, word: Word) -> str:
        """ "" once it is durable, or not needed; else why not."""


class Reporter(Teller):
    """`address` is the door's host:port; `token_file` is read at each attempt, for the gateway makes it."""

    def __init__(self, *, address: str, token_file: Path) -> None:
        super().__init__("the gateway's door")
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._token_file = token_file

    def _send(self, part: str, word: Word) -> str:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            token = self._token_file.read_text().strip()
            said = {"part": part, "well": word.well, **fields(word.told)}
            body = json.dumps(said | ({"if_standing": True} if word.if_standing else {}))
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request("POST", "/reports", body, headers)
            answer = connection.getresponse()
            text = answer.read(500)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        finally:
            connection.close()
        return "" if answer.status == 200 else f"{answer.status} {text.decode(errors='replace')}"
