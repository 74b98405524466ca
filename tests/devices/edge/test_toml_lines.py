"""Every table and key of a TOML file has its line, however it is written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.edge.complaints import Complaint
from devices.edge.toml_lines import TomlFile, read_toml

EVERYTHING = '''\
# a comment with [[device]] in it
title = "a # b"   # trailing [x]

[[device]]
id = "one"
topics = [
    "a",  # [not a table]
    "b]",
]
after = 1

  [device.options]
  full_topic = """
[[device]]
id = "not this"
"""
  last = true

[[device]]
"quoted key" = 1
dotted.key.here = {a = 1, b = [1, 2]}
'two' = \'\'\'
[table]\'\'\'
end = 2
[a.b]
c = 1
[[device.part]]
n = 1
[[device.part]]
n = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("device", 0), 4),
        (("device", 0, "id"), 5),
        (("device", 0, "topics"), 6),
        (("device", 0, "after"), 10),
        (("device", 0, "options"), 12),
        (("device", 0, "options", "full_topic"), 13),
        (("device", 0, "options", "last"), 17),
        (("device", 1), 19),
        (("device", 1, "quoted key"), 20),
        (("device", 1, "dotted", "key", "here"), 21),
        (("device", 1, "dotted"), 21),
        (("device", 1, "two"), 22),
        (("device", 1, "end"), 24),
        (("a", "b"), 25),
        (("a", "b", "c"), 26),
        (("device", 1, "part", 0, "n"), 28),
        (("device", 1, "part", 1, "n"), 30),
        # what is missing is told at the table it is missing from
        (("device", 1, "topic"), 19),
        (("nothing", "here"), 0),
    ],
)
def test_the_line_of_each_part(path, line):
    assert TomlFile("x.toml", EVERYTHING).line(*path) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = \n", 2),
        ('a = 1\n\nb = "open', 3),
        ("a = 1\na = 2\n", 2),
        ("[a]\n[b]\n[a]\n", 3),
        ("[[device]]\nid = one\n", 2),
        ("a = [1,\n2\n", 2),
    ],
)
def test_a_syntax_error_says_its_line(text, line):
    with pytest.raises(Complaint) as raised:
        TomlFile("x.toml", text)
    assert raised.value.line == line
    assert "is no TOML" in str(raised.value)
    assert raised.value.remedy


def test_a_missing_file_is_a_complaint(tmp_path):
    with pytest.raises(Complaint, match="there is no such file"):
        read_toml(tmp_path / "fleet.toml")


def test_a_folder_is_a_complaint(tmp_path):
    with pytest.raises(Complaint, match="cannot be read"):
        read_toml(tmp_path)


def test_a_file_that_is_not_utf8_says_the_line(tmp_path):
    (tmp_path / "x.toml").write_bytes(b'a = 1\nb = "\xff"\n')
    with pytest.raises(Complaint) as raised:
        read_toml(tmp_path / "x.toml")
    assert raised.value.line == 2


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n\r\n[[t]]\r\nb = 2\r\n")
    file = read_toml(tmp_path / "x.toml")
    assert file.data == {"a": 1, "t": [{"b": 2}]}
    assert file.line("t", 0, "b") == 4


_VALUES = st.one_of(
    st.integers(),
    st.booleans(),
    st.text("ab#[]{}='\" \n", max_size=12),
    st.lists(st.text("a]#\n", max_size=3), max_size=3),
)


def _written(value, spread):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        gap = "\n  # [x] ]\n  " if spread else " "
        return "[" + "".join(f"{gap}{_written(v, False)}," for v in value) + gap + "]"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"""\n{quoted}"""' if spread else '"' + quoted.replace("\n", "\\n") + '"'


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(_VALUES, st.booleans()), max_size=4), max_size=4))
def test_any_rows_keep_their_lines(rows):
    text, expected = "", {}
    for n, row in enumerate(rows):
        expected["row", n] = text.count("\n") + 1
        text += "[[row]]\n"
        for k, (value, spread) in enumerate(row):
            expected["row", n, f"k{k}"] = text.count("\n") + 1
            text += f"k{k} = {_written(value, spread)}  # = [\n"
    file = TomlFile("x.toml", text)
    assert [list(row.values()) for row in file.data.get("row", [])] == [[v for v, _ in row] for row in rows]
    assert {path: file.line(*path) for path in expected} == expected
