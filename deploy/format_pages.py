"""The docs' pages of the formats, made from the code's own tables: `python -m deploy.format_pages` writes them.

From the profile of a format what it can tell, from the default policy when a silent sensor is noticed, from the corpus
a message and what it means; the words of connecting it are `deploy/format_guides.py`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from deploy.format_guides import GUIDES, Guide
from devices.formats import Format, table
from devices.profile import Profile
from streams.edge import policy_file
from streams.policy import Policy

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "formats"
CORPUS = ROOT / "tests" / "corpus"
POLICY = ROOT / "deploy" / "policy.toml"
_NOTE = "<!-- Made by `python -m deploy.format_pages`; change the tables it is made from, not this page. -->\n"
_SHOWN = 4
_LONGEST_SHOWN = 900


def main(folder: Path = PAGES) -> int:
    """Write every page into `folder`.  Returns the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    print(f"{len(made)} pages in {folder}")
    return 0


def pages() -> dict[str, str]:
    """Every page by its file name."""
    policy = policy_file.load(POLICY)
    found = {f"{name}.md": page(form, GUIDES[name], policy) for name, form in table().items()}
    return {"README.md": index(policy), **found}


def index(policy: Policy) -> str:
    """The table of all formats."""
    rows = [
        "| format | devices | lost openings found | tamper | battery | own time | polarity | silence is noticed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, form in table().items():
        profile = form.profile
        cells = [
            f"[{name}]({name}.md)",
            GUIDES[name].devices,
            _yes(profile.counts_openings),
            _yes(profile.tells_tamper),
            _yes(profile.tells_battery),
            _yes(profile.tells_own_time),
            "`open_is`" if profile.needs_open_is else "the maker's",
            noticed(profile, policy),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    lead = "What door sensors and thermometers send, format by format: how each is connected and what it can tell.\n"
    return "\n".join(["# Formats\n", _NOTE, lead, *rows]) + "\n"


def page(form: Format, guide: Guide, policy: Policy) -> str:
    """One format's page."""
    profile = form.profile
    cases = corpus(form.name)
    from_outside = sum(case["source"] != "made" for case in cases)
    steps = "\n".join(f"{n}. {step}" for n, step in enumerate(guide.steps, 1))
    parts = [
        f"# {form.name}: {guide.title}\n",
        _NOTE,
        f"For {guide.devices}.\n",
        f"## The way of its data\n\n```\n{picture(guide)}\n```\n",
        f"## Connect it\n\n{steps}\n\n```toml\n{row(form.name, cases)}```\n",
        f"## What it can and cannot tell\n\n{abilities(profile, policy)}\n",
        *([_list(guide.limits) + "\n"] if guide.limits else []),
        f"## What a message means\n\n{examples(cases)}",
        f"## What is refused\n\n{refusals(cases)}\n",
        f"The whole corpus: `tests/corpus/{form.name}/`, {len(cases)} cases, {from_outside} of them from outside.\n",
    ]
    return "\n".join(parts)


def picture(guide: Guide) -> str:
    """The hops, one below the other, each with how it reaches the next."""
    lines: list[str] = []
    for who, how in guide.way:
        lines += [who, f"   │ {how}".rstrip(), "   ▼"]
    return "\n".join([*lines, "Threshold's gateway ── on disk, then acknowledged ──▶ inbox"])


def noticed(profile: Profile, policy: Policy) -> str:
    """After what silence a sensor is `sensor-silent`, by the default policy."""
    if profile.report_every_s is None:
        return f"{policy.offline_min:g} min after its last will, or by the row's `report_every_s`"
    minutes = max(profile.report_every_s / 60 * policy.silent_intervals, policy.silent_least_min)
    return f"after {minutes / 60:g} h of silence" if minutes >= 60 else f"after {minutes:g} min of silence"


def abilities(profile: Profile, policy: Policy) -> str:
    """The profile in words."""
    wiring = "the row must say it: `open_is`" if profile.needs_open_is else "the maker's, known; it is not configured"
    rows = [
        ("openings lost on the way are found by a counter", _yes(profile.counts_openings)),
        ("tampering", _yes(profile.tells_tamper)),
        ("battery", _yes(profile.tells_battery)),
        ("the time of the event by its own clock", _yes(profile.tells_own_time)),
        ("a body's temperature", _yes(profile.measures_body)),
        ("which value means open", wiring if not _only_measures(profile) else "no door"),
        ("the row must say the device's name in the payload: `address`", _yes(profile.needs_address)),
        ("a silent sensor is noticed", noticed(profile, policy)),
    ]
    return "| | |\n|---|---|\n" + "\n".join(f"| {what} | {answer} |" for what, answer in rows) + "\n"


def _only_measures(profile: Profile) -> bool:
    return profile.measures_body and not profile.counts_openings and not profile.needs_address


def corpus(name: str) -> list[dict[str, Any]]:
    """The format's cases, those from outside first."""
    found: list[dict[str, Any]] = []
    for path in sorted((CORPUS / name).glob("*.json"), key=lambda path: (path.stem == "made", path.stem)):
        file = json.loads(path.read_text(encoding="utf-8"))
        found += [{"rows": file["rows"], **case} for case in file["cases"]]
    return found


def row(name: str, cases: list[dict[str, Any]]) -> str:
    """The corpus's own row as it would stand in a fleet file."""
    first = cases[0]["rows"][0]
    pairs = {"id": first["id"], "format": name, **{k: v for k, v in first.items() if k not in ("id", "options")}}
    pairs |= first.get("options", {})
    return "[[device]]\n" + "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in pairs.items()
    )


def examples(cases: list[dict[str, Any]]) -> str:
    """A few messages of the corpus and what is understood of them."""
    shown = [case for case in cases if case.get("readings") and len(str(case.get("payload"))) < _LONGEST_SHOWN][:_SHOWN]
    return "".join(
        f"{case['name'][0].upper()}{case['name'][1:]} ({case['source']}):\n\n"
        f"```\n{case['topic']}\n{_shown(case)}\n```\n\n{_means(case)}\n\n"
        for case in shown
    )


def _shown(case: dict[str, Any]) -> str:
    if "base64" in case:
        return f"base64 {case['base64']}"
    payload = case["payload"]
    return payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)


def _means(case: dict[str, Any]) -> str:
    said = [
        ", ".join(f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in reading.items() if key != "cause")
        for reading in case["readings"]
    ]
    return "\n".join(f"→ {words}" for words in said)


def refusals(cases: list[dict[str, Any]]) -> str:
    """What is refused, by reason."""
    by_reason: dict[str, list[str]] = {}
    for case in cases:
        if "rejected" in case:
            by_reason.setdefault(case["rejected"], []).append(case["name"])
    return _list([f"`{reason}`: {'; '.join(names)}" for reason, names in sorted(by_reason.items())])


def _list(lines: Any) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _yes(can: bool) -> str:
    return "yes" if can else "no"


if __name__ == "__main__":
    sys.exit(main())
