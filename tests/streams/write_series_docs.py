"""Writes the tables of docs/series.md anew:  python -m tests.streams.write_series_docs"""

from pathlib import Path

from streams.measurements import as_markdown

DOCS = Path(__file__).resolve().parents[2] / "docs" / "series.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"


def main() -> None:
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCS.write_text(before + BEGIN + as_markdown() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
