"""The staff of a demonstration: log-ins that work, made once."""

import json

import pytest

from deploy.demo_desk import fill, line_of, main
from deploy.demo_site import make
from devices.edge import settings
from duty.edge.demo_people import Login
from duty.edge.keys import master_key
from duty.edge.store import Store


@pytest.fixture
def site(tmp_path):
    make({
        "folder": str(tmp_path), "households": 30, "seed": 7, "pace": 60.0, "hour": 17.0, "isolated_share": 0.3,
        "listen": "127.0.0.1:18831", "http": "127.0.0.1:18832", "desk": "127.0.0.1:18833", "record": False,
    })  # fmt: skip
    return settings.load(tmp_path / "threshold.toml")


def test_the_store_is_filled_once_and_the_log_ins_are_written_down(site, tmp_path):
    fill(site, tmp_path / "logins.json")
    lines = json.loads((tmp_path / "logins.json").read_text())
    assert {line.split()[0] for line in lines} >= {"worker", "police", "doctor", "guard", "supervisor", "admin"}
    store = Store.open(site.data_path / "desk.db", master_key=master_key(site.data_path))
    people = {person.login for person in store.people()}
    store.close()
    assert people >= {line.split()[0] for line in lines}
    before = (site.data_path / "desk.db").stat().st_mtime_ns
    fill(site, tmp_path / "logins.json")
    assert (site.data_path / "desk.db").stat().st_mtime_ns == before


def test_a_start_that_was_cut_off_is_begun_anew(site, tmp_path):
    fill(site, tmp_path / "logins.json")
    (tmp_path / "logins.json").unlink()
    fill(site, tmp_path / "logins.json")
    assert (tmp_path / "logins.json").exists()


def test_a_second_factor_is_told_and_only_the_first_of_a_role_is_shown():
    login = Login(login="admin", password="p", role="admin", name="n", grids=("*",), totp_secret="KEY")
    assert line_of(login).endswith("authenticator key KEY")
    assert line_of(Login(login="worker2", password="p", role="worker", name="n", grids=("g",))) == ""


def test_the_staff_alone_is_made_and_told_and_never_put_beside_other_people(site, tmp_path, capsys):
    assert main([site.file, str(tmp_path / "logins.json"), "--staff"]) == 0
    assert "worker           threshold-demo" in capsys.readouterr().out
    (tmp_path / "logins.json").unlink()
    store = Store.open(site.data_path / "desk.db", master_key=master_key(site.data_path))
    people = store.people()
    store.close()
    (site.data_path / "desk.db").rename(tmp_path / "other.db")
    text = (tmp_path / "threshold.toml").read_text()
    text = text.replace("[desk]", f'[desk]\ndatabase = "sqlite:///{tmp_path}/other.db"')
    (tmp_path / "other.toml").write_text(text)
    assert main([str(tmp_path / "other.toml"), str(tmp_path / "logins.json"), "--staff"]) == 2
    assert "has people already" in capsys.readouterr().err
    assert not (tmp_path / "logins.json").exists()
    assert people
