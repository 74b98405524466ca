"""`up`: complains before it starts anything, and says what it would start."""

import json
import socket
import stat
import subprocess
import sys

from deploy import onebox
from deploy.launch import environment
from devices.edge.settings import load


def settings_of(tmp_path, text=""):
    (tmp_path / "fleet.toml").write_text("")
    path = tmp_path / "threshold.toml"
    path.write_text(text)
    return load(path)


def test_the_plan_names_every_process_with_its_configuration(tmp_path):
    read = settings_of(tmp_path)
    plan = onebox.plan_for(read)
    assert [row["name"] for row in plan["processes"]] == ["gateway", "streams", "sink", "desk"]
    assert all(row["argv"][-1] == read.file for row in plan["processes"])
    assert plan["door"] == "127.0.0.1:18830"


def test_the_plan_lies_in_a_data_folder_for_its_owner_alone(tmp_path):
    read = settings_of(tmp_path)
    path = onebox.write_plan(read, onebox.plan_for(read))
    assert json.loads(path.read_text())["data"] == read.data.folder
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_port_that_is_taken_is_told_with_its_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        read = settings_of(tmp_path, f"[gateway]\nhttp = '127.0.0.1:0'\nlisten = '127.0.0.1:{port}'\n"
                                     "[desk]\nlisten = '127.0.0.1:0'\n")  # fmt: skip
        [complaint] = onebox.ports_taken(read)
    assert complaint.line == 3
    assert "cannot be listened on" in complaint.what


def test_a_box_that_was_moved_does_not_start_again(tmp_path):
    read = settings_of(tmp_path)
    assert onebox.moved_away(read) == []
    read.data_path.mkdir()
    note = {"id": "m1", "to": "kafka:9092, topics threshold-*", "print": [1], "finished": False}
    (read.data_path / "migration.json").write_text(json.dumps(note))
    assert onebox.moved_away(read) == []
    (read.data_path / "migration.json").write_text(json.dumps(note | {"finished": True}))
    [complaint] = onebox.moved_away(read)
    assert "this box was moved to kafka:9092, topics threshold-*" in complaint.what


def test_it_refuses_to_start_on_complaints(tmp_path):
    (tmp_path / "fleet.toml").write_text("[[device]]\nid = 3\n")
    config = tmp_path / "threshold.toml"
    config.write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "up", "--config", str(config)],
        env=environment(), capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "fleet.toml:2: id must be a text" in done.stderr
    assert not (tmp_path / "data").exists()
