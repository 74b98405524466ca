import pytest

from devices.edge.complaints import Complaint
from devices.fleet import Fleet, Platform
from gateway.edge.push_secrets import platforms


def fleet(**fields) -> Fleet:
    row = {"id": "onenet-1", "kind": "onenet", "topic": "push/onenet", "line": 7} | fields
    return Fleet(platforms={"onenet-1": Platform(**row)})


def test_secrets_are_read_from_their_files(tmp_path):
    (tmp_path / "token").write_text("  a token\n")
    (tmp_path / "key").write_text("0123456789abcdef\n")
    rows = fleet(token_file=str(tmp_path / "token"), aes_key_file=str(tmp_path / "key"))
    found = platforms(rows, "fleet.toml")["onenet-1"]
    assert (found.token, found.aes_key) == ("a token", b"0123456789abcdef")
    shown = platforms(fleet(kind="ttn", secret_sha256="ab" * 32), "fleet.toml")["onenet-1"]
    assert (shown.key_sha256, shown.token) == ("ab" * 32, "")


@pytest.mark.parametrize(
    ("content", "key", "what"),
    [
        (None, "token_file", "cannot be read: No such file"),
        (b" \n", "token_file", "is empty"),
        (b"\xff\xfe", "token_file", "is no text"),
        (b"too short", "aes_key_file", "holds no key of OneNET's"),
    ],
)
def test_a_secret_that_cannot_be_had_is_complained_about_with_its_line(tmp_path, content, key, what):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Complaint) as caught:
        platforms(fleet(**{key: str(path)}), "fleet.toml")
    assert (caught.value.file, caught.value.line) == ("fleet.toml", 7)
    assert what in str(caught.value)
