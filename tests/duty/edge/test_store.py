import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from duty.edge.store import Store, StoreTrouble, make_engine
from tests.duty.edge.conftest import MASTER_KEY
from tests.duty.rosters import person
from tests.house.tree import ROOT


def test_a_second_desk_on_the_same_store_is_refused(database: str, store: Store) -> None:
    with pytest.raises(StoreTrouble, match="another desk uses this store"):
        Store.open(database, master_key=MASTER_KEY)
    store.close()
    Store.open(database, master_key=MASTER_KEY).close()


def test_what_is_done_together_stands_or_falls_together(store: Store) -> None:
    def half() -> None:
        with store.together():
            store.save_person(person("wang"))
            store.audit(at_ms=1, actor="a", action="edit-staff", object="wang")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        half()
    assert store.people() == []
    assert store.audit_rows() == []
    with store.together():
        store.save_person(person("wang"))
        with store.together():
            store.save_person(person("li"))
    assert [p.id for p in store.people()] == ["li", "wang"]


def test_many_threads_use_one_store(store: Store) -> None:
    def work(number: int) -> None:
        for step in range(10):
            store.audit(at_ms=step, actor=f"p{number}", action="see-contacts")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.number for row in store.audit_rows()] == list(range(1, 81))
    assert store.verify_audit() is None


@pytest.mark.parametrize("url", ["mysql://x/y", "not a url://", "postgres//"])
def test_a_database_that_is_none_is_a_sentence(url: str, tmp_path: Path) -> None:
    if "://" not in url:
        assert make_engine(tmp_path / "x").dialect.name == "sqlite"
        return
    with pytest.raises(StoreTrouble, match="database"):
        make_engine(url)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreTrouble, match="cannot be opened"):
        Store.open(tmp_path / "no" / "desk.db", master_key=MASTER_KEY)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreTrouble, match="no database: restore a copy"):
        Store.open(path, master_key=MASTER_KEY)


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreTrouble, match="look at the database server"):
        Store.open("postgresql://nobody@127.0.0.1:1/none", master_key=MASTER_KEY)


KILLED = """
import os, sys
from duty.edge.store import Store
from tests.duty.edge.conftest import MASTER_KEY
from tests.duty.rosters import person
from tests.house.tree import ROOT

store = Store.open(sys.argv[1], master_key=MASTER_KEY)
store.save_person(person("wang"))
with store.together():
    store.save_person(person("li"))
    os.kill(os.getpid(), 9)
"""


def test_what_was_committed_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    # Not forked off this process, whose other threads may hold any lock in that moment.
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    store = Store.open(path, master_key=MASTER_KEY)
    assert [p.id for p in store.people()] == ["wang"]
    store.close()
