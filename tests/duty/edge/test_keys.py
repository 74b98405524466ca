import os
from pathlib import Path

import pytest

from duty.edge.keys import FILE, KeyTrouble, master_key


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = master_key(tmp_path)
    assert len(key) == 32
    assert master_key(tmp_path) == key
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == [FILE]


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    master_key(tmp_path)
    (tmp_path / FILE).chmod(0o640)
    with pytest.raises(KeyTrouble, match="chmod 600"):
        master_key(tmp_path)


@pytest.mark.parametrize("text", [b"", b"short", b"\xff" * 44, b"A" * 40])
def test_what_is_no_key_is_refused_and_not_replaced(tmp_path: Path, text: bytes) -> None:
    (tmp_path / FILE).write_bytes(text)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(KeyTrouble, match="put back a copy"):
        master_key(tmp_path)
    assert (tmp_path / FILE).read_bytes() == text


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyTrouble, match="cannot be written"):
        master_key(tmp_path / "no")
