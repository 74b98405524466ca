"""`check`: every complaint of every file, in one go."""

import pytest

from deploy.check import check, main

FLEET = '[[device]]\nid = "d"\nformat = "native"\ntopic = "t"\nhousehold = "g017/3/1203"\n'


@pytest.fixture
def site(tmp_path):
    def write(settings="", fleet=FLEET):
        (tmp_path / "fleet.toml").write_text(fleet)
        path = tmp_path / "threshold.toml"
        path.write_text(settings)
        return path

    return write


def test_a_sound_site(site, capsys):
    assert main(config=site()) == 0
    said = capsys.readouterr()
    assert "1 devices in 1 grids, 0 cases" in said.err
    assert said.out == ""


def test_a_device_that_could_not_connect_is_a_note(site, capsys):
    assert main(config=site()) == 0
    assert "note: d: no secret_sha256" in capsys.readouterr().err
    assert check(site("[gateway.broker]\nhost = 'h'\n"), None, None).notes == []


def test_mistakes_of_all_three_files_are_told_together(site, tmp_path, capsys):
    policy = tmp_path / "policy.toml"
    policy.write_text("[doors]\nleft_open_min = -1\n")
    config = site("[site]\npolicy = 'policy.toml'\n[gateway]\ntls_listen = '0.0.0.0:8883'\ncertificate = 'c.pem'\n"
                  "private_key = 'k.pem'\n", FLEET.replace("native", "nativ"))  # fmt: skip
    assert main(config=config) == 1
    said = capsys.readouterr().err
    assert f"{config}:5: certificate: there is no file" in said
    assert f"{config}:6: private_key: there is no file" in said
    assert f"{tmp_path}/fleet.toml:3: format 'nativ' is not known" in said
    assert f"{policy}:2:" in said
    assert "nothing to complain about" not in said


def test_a_fleet_alone(tmp_path, capsys):
    (tmp_path / "f.toml").write_text(FLEET + FLEET)
    assert main(fleet=tmp_path / "f.toml") == 1
    assert "taken (line 1)" in capsys.readouterr().err


def test_a_data_folder_that_is_a_file(site, tmp_path):
    (tmp_path / "data").write_text("")
    assert "is no folder" in check(site(), None, None).complaints[0].what


def test_missing_files_are_complaints(tmp_path):
    nothing = tmp_path / "nothing.toml"
    assert "no such file" in check(nothing, None, None).complaints[0].what
    assert [c.file for c in check(None, nothing, nothing).complaints] == [str(nothing)] * 2


def test_nothing_to_check(capsys):
    assert main() == 2
    assert "say what to check" in capsys.readouterr().err
