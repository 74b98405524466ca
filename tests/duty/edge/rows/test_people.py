import msgspec
from sqlalchemy import select

from duty.edge import tables
from duty.edge.store import Session, Store
from duty.people import Channel
from tests.duty.rosters import person


def session(token: str, who: str = "wang") -> Session:
    return Session(token_hash=token, person=who, created_ms=1, until_ms=100, seen_ms=1, passed_totp=False)


def test_a_person_is_kept_and_changed_without_touching_the_password(store: Store) -> None:
    wang = person("wang", "worker", "police", grids="g017 g018")
    store.save_person(wang)
    store.set_password("wang", "hash", must_change=True)
    renamed = msgspec.structs.replace(wang, name="<b>王\u202e</b> 😀", grids=("*",))
    store.save_person(renamed)
    account = store.account("wang")
    assert account is not None
    assert account.password_hash == "hash"
    assert account.person == msgspec.structs.replace(renamed, must_change_password=True)
    assert account.person.has_grid("g999")
    assert store.account("nobody") is None
    assert store.person("nobody") is None


def test_text_no_database_can_keep_loses_only_that(store: Store) -> None:
    store.save_person(msgspec.structs.replace(person("wang"), name="a\0b\ud800c"))
    found = store.person("wang")
    assert found is not None
    assert found.name == "abc"
    assert store.person("\ud800") is None


def test_disabling_ends_every_session_at_once(store: Store) -> None:
    store.save_person(person("wang"))
    store.save_person(person("li"))
    for token in ("a", "b"):
        store.add_session(session(token))
    store.add_session(session("c", "li"))
    store.disable("wang")
    assert [store.session(token) is None for token in ("a", "b", "c")] == [True, True, False]
    store.save_person(person("li", disabled=True))
    assert store.session("c") is None


def test_sessions_are_touched_ended_and_forgotten(store: Store) -> None:
    for token in ("a", "b", "c"):
        store.add_session(session(token))
    store.touch_session("a", 50, passed_totp=True)
    found = store.session("a")
    assert found is not None
    assert (found.seen_ms, found.passed_totp) == (50, True)
    store.end_session("b")
    assert [s.token_hash for s in store.sessions_of("wang")] == ["a", "c"]
    assert store.end_sessions_of("wang", but="a") == 1
    assert store.forget_sessions(100) == 0
    assert store.forget_sessions(101) == 1


def test_a_one_time_code_is_spent_once(store: Store) -> None:
    store.save_person(person("wang"))
    store.set_totp("wang", "JBSWY3DPEHPK3PXP")
    account = store.account("wang")
    assert account is not None
    assert account.totp_secret == "JBSWY3DPEHPK3PXP"
    assert account.person.has_totp
    assert [store.use_totp_step("wang", step) for step in (7, 7, 6, 8)] == [True, False, False, True]
    store.set_totp("wang", "")
    again = store.person("wang")
    assert again is not None
    assert not again.has_totp


def test_channels_keep_their_order_and_their_secrets_sealed(store: Store) -> None:
    sms = Channel(id="2", person="wang", order=2, kind="sms", target="13800138000", options={"sign": "社区"})
    robot = Channel(id="1", person="wang", order=1, kind="feishu", target="https://robot/abc", secret="s3cret")
    for channel in (sms, robot):
        store.save_channel(channel)
    store.save_channel(Channel(id="3", person="li", order=1, kind="desk"))
    assert store.channels("wang") == [robot, sms]
    assert len(store.channels()) == 3
    assert store.channel("2") == sms
    with store.together() as connection:
        rows = connection.execute(select(tables.channels)).all()
    kept = b" ".join(bytes(row.target_sealed + row.secret_sealed) for row in rows)
    assert b"13800138000" not in kept
    assert b"s3cret" not in kept
    store.save_channel(msgspec.structs.replace(sms, order=0, enabled=False))
    assert [c.id for c in store.channels("wang")] == ["2", "1"]
    store.delete_channel("2")
    assert store.channel("2") is None
