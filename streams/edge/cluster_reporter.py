"""Reports of a worker or another process of a cluster about itself: straight into `inbox`.

The gateway's door is for the processes of one machine; a worker has none beside it.
"""

from devices.edge.settings import Settings
from devices.ids import partition_of
from streams.edge.cluster_standing import ClusterStanding
from streams.edge.kafka_log import open_writer
from streams.edge.log import LogFull
from streams.edge.reporter import Teller, Word
from streams.edge.sqlite_log import wall_clock_ms
from streams.frames import encode_inbox
from streams.troubles import report as report_of


class ClusterReporter(Teller):
    """Raises OSError for a password file or certificate that cannot be read."""

    # Of whichever worker: one that is gone for good has no successor that would know its name.
    shared = frozenset({"clock"})

    def __init__(self, settings: Settings) -> None:
        super().__init__("Kafka")
        self._standing = ClusterStanding(settings, go_on=self._can_wait)
        self._writer = open_writer(settings, "inbox")
        self._partitions = settings.streams.partitions
        self._trying: tuple[Word, tuple[int, bytes]] | None = None

    def _can_wait(self) -> bool:
        """Whether nothing is wrong that would have to wait for a look at what stands."""
        with self._changed:
            return not self._something_wrong()

    def _send(self, part: str, word: Word) -> str:
        try:
            if word.if_standing:
                stands = self._standing.stands(part)
                if not stands:
                    return "it is not known yet whether a report stands" if stands is None else ""
            # What Kafka did not confirm may stand there all the same: only the same frame is known again.
            if self._trying is None or self._trying[0] is not word:
                report = report_of(wall_clock_ms(), part, word.well, word.told)
                self._trying = word, (partition_of(report.grid, self._partitions), encode_inbox([report]))
            self._writer.append([self._trying[1]])
        except LogFull as trouble:
            return str(trouble)
        self._trying = None
        return ""

    def close(self) -> None:
        self._standing.stop()
        super().close()
        self._writer.close()
        self._standing.close()
