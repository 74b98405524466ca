"""The one thread that writes: it takes a batch, makes it durable, says so.  While it writes, the next one gathers.

When the log cannot be written the batch is kept and tried again, with pauses that grow to some seconds, for as long as
it takes: what was taken in is neither acknowledged nor forgotten.
"""

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from gateway.edge.keeping import InboxWriter, Note
from streams.edge.doorbell import Bell
from streams.edge.log import LogFull
from streams.frames import InboxRecord, encode_inbox

RECORDS_A_FRAME = 500
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 5.0


class Work:
    """What one transaction holds, and what to call (in the committer's thread) when it is on disk."""

    __slots__ = ("done", "frames", "notes", "records")

    def __init__(
        self,
        records: dict[int, list[InboxRecord]],
        notes: Sequence[Note],
        done: Callable[[list[int]], None],
    ) -> None:
        self.records = records
        self.notes = notes
        self.done = done
        self.frames: list[tuple[int, bytes]] | None = None

    def encoded(self) -> list[tuple[int, bytes]]:
        """The frames, by partition; made once, however often the writing is tried."""
        if self.frames is None:
            self.frames = [
                (partition, encode_inbox(records[start : start + RECORDS_A_FRAME]))
                for partition, records in self.records.items()
                for start in range(0, len(records), RECORDS_A_FRAME)
            ]
        return self.frames


Chore = Callable[[InboxWriter], None]


class Committer:
    """Calls back in its own thread: `failed` with a sentence each time the log could not be written, `mended` with one
    when it was damaged and is whole again, `crashed` when a fault of ours ended it and nothing will be written any
    more."""

    def __init__(
        self,
        writer: InboxWriter,
        bell: Bell,
        failed: Callable[[str], None],
        mended: Callable[[str], None],
        crashed: Callable[[BaseException], None],
    ) -> None:
        self._writer = writer
        self._bell = bell
        self._failed = failed
        self._mended = mended
        self._crashed = crashed
        self._work: SimpleQueue[Work | Chore | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Write this next."""
        self._work.put(work)

    def ask(self, chore: Chore) -> None:
        """Something short to be done with the file between two batches; what goes wrong in it is its own to tell."""
        self._work.put(chore)

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Finish what was submitted, close the file, end.  False where the log still cannot be written."""
        self._work.put(None)
        self._thread.join(timeout_s)
        self._stopping.set()
        self._thread.join(2 * _LONGEST_PAUSE_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (work := self._work.get()) is not None:
                if not isinstance(work, Work):
                    work(self._writer)
                elif not self._write(work):
                    break
                # The acknowledgements are on their way: now is the time for housekeeping.
                if self._work.empty() or self._writer.salvaged:
                    self._tend()
        except BaseException as fault:
            self._crashed(fault)
            raise
        finally:
            self._writer.close()
            self._bell.close()

    def _tend(self) -> None:
        try:
            self._writer.tend()
        except LogFull:
            pass  # nothing waits for it; if the log cannot be written either, the next batch says so
        while self._writer.salvaged:
            self._mended(self._writer.salvaged.pop())

    def _write(self, work: Work) -> bool:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                offsets = self._writer.write(work.encoded(), work.notes)
            except LogFull as trouble:
                self._failed(str(trouble))
                if self._stopping.wait(pause_s):
                    return False
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            # The acknowledgements can begin while the bells are rung.
            work.done(offsets)
            self._bell.ring()
            return True
