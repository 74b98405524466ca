import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from duty.delivery import Send
from tests.duty.edge.office import Office
from tests.duty.edge.peers import Says, peer


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with peer() as made:
        office = Office(tmp_path, made).team()
        office.book.read()
        yield office
        await office.close()


def send(office: Office, number: int = 1, *, attempt: str = "", channel: str = "wang-robot") -> Send:
    id = attempt or f"{number:024x}"
    return Send(id, office.page(number), "wang", channel, False)


async def answers(office: Office) -> list[tuple[str, str]]:
    office.mail.go()
    await asyncio.gather(*office.mail._sending)
    return [(attempt.id, answer.outcome) for attempt, answer in office.mail.answers()]


async def test_an_attempt_is_named_before_it_is_made(office: Office) -> None:
    one = send(office)
    office.mail.add(one, office.now_ms, first=True)
    (attempt,) = office.mail.plan(office.now_ms, lambda _: True)
    assert (attempt.id, attempt.outcome, attempt.started_ms) == (one.attempt, "", office.now_ms)
    assert office.peer.requests == []
    assert await answers(office) == [(one.attempt, "accepted")]
    assert office.mail.next_ms() is None


async def test_pages_of_one_message_share_its_bundle_and_its_answer(office: Office) -> None:
    office.answers["wang"] = Says(500)
    for number in range(3):
        office.mail.add(send(office, number), office.now_ms, first=True)
    attempts = office.mail.plan(office.now_ms, lambda _: True)
    assert len({attempt.bundle for attempt in attempts}) == 1
    assert [outcome for _, outcome in await answers(office)] == ["try-later"] * 3
    assert len(office.peer.requests) == 1


async def test_what_no_longer_matters_is_not_sent(office: Office) -> None:
    office.mail.add(send(office), office.now_ms, first=True)
    assert office.mail.plan(office.now_ms, lambda _: False) == []
    assert await answers(office) == []


async def test_a_channel_that_was_taken_away_gives_up(office: Office) -> None:
    one = send(office, channel="gone")
    office.mail.add(one, office.now_ms, first=True)
    office.mail.plan(office.now_ms, lambda _: True)
    assert await answers(office) == [(one.attempt, "gave-up")]


async def test_only_a_first_telling_counts_as_an_alarm(office: Office) -> None:
    office.mail.add(send(office, 1), office.now_ms, first=True)
    office.mail.plan(office.now_ms, lambda _: True)
    office.now_ms += 10_000
    office.mail.add(send(office, 2), office.now_ms, first=False)
    office.mail.plan(office.now_ms, lambda _: True)
    assert office.mail.loads["wang"].per_hour(office.now_ms) == 1


async def test_the_message_is_in_the_persons_language(office: Office) -> None:
    wang = office.store.person("wang")
    assert wang is not None
    office.store.save_person(replace(wang, language="en"))
    office.now_ms += 5_000
    office.book.read()
    office.mail.add(send(office), office.now_ms, first=True)
    office.mail.plan(office.now_ms, lambda _: True)
    await answers(office)
    assert "Undeclared opening" in office.peer.requests[0].json["text"]["content"]
