"""Traces of any size, plain or compressed, in constant memory."""

import gzip
import io
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from deploy import trace_file
from deploy.launch import environment
from deploy.trace_file import Progress, lines
from streams.replay import BadLine


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path):
    trace = tmp_path / "t.jsonl"
    trace.write_bytes(b"a\n\nb\r\n   \nc")
    assert list(lines(trace)) == [(1, b"a\n"), (3, b"b\r\n"), (5, b"c")]


def test_a_compressed_trace_reads_alike(tmp_path):
    trace = tmp_path / "t.jsonl.gz"
    trace.write_bytes(gzip.compress(b"a\nb\n" * 3000))
    assert sum(1 for _ in lines(trace)) == 6000


def test_stdin_is_a_trace():
    script = "from deploy.trace_file import lines; from pathlib import Path; print(list(lines(Path('-'))))"
    done = subprocess.run(
        [sys.executable, "-c", script], input=b"a\nb\n", capture_output=True, env=environment(), check=True
    )
    assert done.stdout == b"[(1, b'a\\n'), (2, b'b\\n')]\n"


def test_a_line_without_an_end_is_refused_instead_of_filling_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(trace_file, "LONGEST_LINE", 1000)
    trace = tmp_path / "t.jsonl"
    trace.write_bytes(b"a\n" + b"x" * 1001)
    with pytest.raises(BadLine) as raised:
        list(lines(trace))
    assert raised.value.line == 2


def test_a_missing_trace_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(lines(tmp_path / "nothing"))


def test_memory_does_not_grow_with_the_trace(tmp_path):
    def peak(count):
        trace = tmp_path / "t.jsonl"
        trace.write_bytes(b'{"t":1,"topic":"t","payload":"open"}\n' * count)
        tracemalloc.start()
        for _ in lines(trace):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(50_000) < peak(1_000) + 100_000


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_a_bar_and_nothing_is_left_of_it(monkeypatch):
    seen = Terminal()
    monkeypatch.setattr(sys, "stderr", seen)
    progress = Progress(1000)
    progress._last_s -= 10
    progress.at(500, 20_000)
    assert "[###############...............]  50% 20,000 lines" in seen.getvalue()
    progress.done()
    assert seen.getvalue().endswith("\r\x1b[K")


def test_a_pipe_sees_no_bar(monkeypatch):
    seen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", seen)
    progress = Progress(1000)
    progress._last_s -= 10
    progress.at(500, 20_000)
    progress.done()
    assert seen.getvalue() == ""


def test_reading_closes_the_file(tmp_path):
    trace = tmp_path / "t.jsonl"
    trace.write_bytes(b"a\n" * 10)
    first = lines(trace)
    next(first)
    first.close()
    assert str(trace) not in {str(Path(f"/proc/self/fd/{fd.name}").resolve()) for fd in Path("/proc/self/fd").iterdir()}
