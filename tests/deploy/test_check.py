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
    assert "devices: 1, grids: 1, cases: 0" in said.err
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


PUSHED = (
    '[[platform]]\nid = "ct"\nkind = "ctwing"\ntopic = "push/ct"\nsecret_sha256 = "' + "ab" * 32 + '"\n'
    '[[device]]\nid = "d"\nformat = "ctwing"\ntopic = "push/ct"\naddress = "x"\nhousehold = "g017/3/1203"\n'
)
OPEN = '[gateway.push]\nlisten = "127.0.0.1:8443"\n'


def test_a_push_door_and_its_platforms_belong_together(site):
    assert check(site(OPEN, PUSHED), None, None).notes == []
    assert any("the push door is off" in note for note in check(site("", PUSHED), None, None).notes)
    assert any("no [[platform]] may push" in note for note in check(site(OPEN), None, None).notes)
    notes = check(site(OPEN, PUSHED.replace('"push/ct"\naddress', '"push/cu"\naddress')), None, None).notes
    assert any("ct: no device is on its topic push/ct" in note for note in notes)
    assert any("d: no secret_sha256" in note for note in notes), "it cannot come in at all"


def test_a_token_that_is_not_there_is_complained_about_at_its_row(site, tmp_path):
    rows = '[[platform]]\nid = "o"\nkind = "onenet"\ntopic = "push/o"\ntoken_file = "o.token"\n'
    [complaint] = check(site(OPEN, PUSHED + rows), None, None).complaints
    assert (complaint.file, complaint.line) == (str(tmp_path / "fleet.toml"), 12)
    assert "token_file" in complaint.what
    (tmp_path / "o.token").write_text("a token\n")
    assert check(site(OPEN, PUSHED + rows), None, None).complaints == []


def test_the_certificate_of_the_push_door_must_be_there(site):
    found = check(site('[gateway.push]\nlisten = "0.0.0.0:1"\ncertificate = "c.pem"\nprivate_key = "k"\n'), None, None)
    assert [complaint.line for complaint in found.complaints] == [3, 4]


def test_a_bridge_with_a_secret_is_a_way_in_for_what_is_behind_it(site):
    bridge = '[[bridge]]\nid = "b"\ntopic = "t/state"\ngrid = "g017"\ndevices = "t"\n'
    assert check(site("", FLEET + bridge), None, None).notes
    assert check(site("", FLEET + bridge + f'secret_sha256 = "{"ab" * 32}"\n'), None, None).notes == []
