"""The process `streams`: ready, pages, stops when asked, and says what must be mended."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devices.edge.settings import Cluster, Data, Settings
from streams.edge.doorbell import Bell
from streams.edge.runner import of_worker
from streams.edge.sqlite_log import SqliteReader, SqliteWriter
from streams.effects import Decision
from streams.frames import decode_outbox, encode_inbox
from tests.servers import free_port
from tests.streams.edge.scripts import door, fleet
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "threshold.toml"
    path.write_text(f'[data]\nfolder = "data"\n[gateway]\nhttp = "127.0.0.1:{free_port()}"\n')
    (tmp_path / "data").mkdir()
    return path


def start(config: Path) -> subprocess.Popen[str]:
    code = (
        "import sys; from pathlib import Path; from streams.edge.runner import main; sys.exit(main(Path(sys.argv[1])))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(config)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=100)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_ready_pages_and_stops_when_asked(config, number):
    process = start(config)
    assert "ready" in process.stdout.readline()
    data = config.parent / "data"
    inbox = SqliteWriter(data / "inbox.db", "inbox")
    bell = Bell(data / "bell", "inbox")
    now_ms = time.time_ns() // 1_000_000
    inbox.append([(0, encode_inbox([*fleet(2, now_ms - 60_000), door(1, now_ms - 5, False, 1)]))])
    inbox.append([(0, encode_inbox([door(1, now_ms, True, 2)]))])
    bell.ring()
    outbox = SqliteReader(data / "streams.db", "outbox")

    def pages() -> list[str]:
        effects = [effect for _, frame in outbox.read(0, 0) for effect in decode_outbox(frame)]
        return [effect.role for effect in effects if isinstance(effect, Decision) and effect.decision == "page"]

    wait_until(lambda: pages() == ["worker"])
    process.send_signal(number)
    assert ended(process) == (0, "")
    inbox.close()
    outbox.close()
    bell.close()


def test_a_second_one_is_told_who_runs(config):
    first = start(config)
    first.stdout.readline()
    code, said = ended(start(config))
    first.terminate()
    assert ended(first)[0] == 0
    assert code == 2
    assert f"process {first.pid} is writing it" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[streams]\npartitons = 2\n", ["threshold.toml:2", "did you mean 'partitions'?"]),
        ('[site]\npolicy = "nowhere.toml"\n', ["nowhere.toml"]),
        ('[data]\nfolder = "data"\n[streams]\npartitions = 3\n', ["set partitions = 1 in [streams]"]),
    ],
)
def test_what_must_be_mended_is_said_in_a_sentence(config, text, words):
    first = start(config)
    first.stdout.readline()
    first.terminate()
    assert ended(first)[0] == 0
    config.write_text(text)
    code, said = ended(start(config))
    assert code == 2
    assert "Traceback" not in said
    for word in words:
        assert word in said


def test_each_worker_of_a_machine_has_a_folder_and_a_port_of_its_own():
    settings = Settings(data=Data(folder="/d"), cluster=Cluster(metrics="127.0.0.1:9641"))
    assert of_worker(settings, 1) == settings
    third = of_worker(settings, 3)
    assert (third.data.folder, third.cluster.metrics) == ("/d/worker-3", "127.0.0.1:9643")
    assert of_worker(Settings(data=Data(folder="/d")), 2).cluster.metrics == ""
