import threading

import pytest
from pyotp.totp import TOTP

from duty.edge.auth import SESSION_MS, Auth, LoggedIn, NotLoggedIn, Who
from duty.edge.store import Store
from duty.people import StaffRole
from tests.duty.rosters import person

PASSWORD = "correct horse battery"
NOW = 1_700_000_000_000


@pytest.fixture
def auth(sqlite_store: Store) -> Auth:
    return Auth(sqlite_store)


def hire(store: Store, auth: Auth, name: str = "wang", *roles: StaffRole) -> None:
    store.save_person(person(name, *roles))
    auth.set_password(name, PASSWORD)


def in_(auth: Auth, login: str = "wang", password: str = PASSWORD, address: str = "a", now: int = NOW) -> LoggedIn:
    answer = auth.log_in(login, password, address, now)
    assert isinstance(answer, LoggedIn)
    return answer


def who(auth: Auth, token: str, now: int = NOW) -> Who:
    found = auth.who(token, now)
    assert found is not None
    return found


def actions(store: Store) -> list[tuple[str, str, bool]]:
    return [(row.action, row.actor, row.well) for row in store.audit_rows()]


def test_a_worker_logs_in_and_out(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    answer = in_(auth)
    assert (answer.wants_totp, answer.wants_new_password, answer.wants_totp_set_up) == (False, False, False)
    assert who(auth, answer.token).full
    assert who(auth, answer.token).person.id == "wang"
    auth.log_out(answer.token, NOW)
    assert auth.who(answer.token, NOW) is None
    assert actions(sqlite_store) == [("log-in", "wang", True), ("log-out", "wang", True)]


def test_the_cookie_is_not_what_the_store_keeps(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    token = in_(auth).token
    assert len(token) >= 43
    assert sqlite_store.session(token) is None
    assert auth.who("", NOW) is None
    assert auth.who("\ud800", NOW) is None
    assert auth.who(token + "x", NOW) is None


@pytest.mark.parametrize(("login", "password"), [("wang", "wrong"), ("nobody", PASSWORD), ("", ""), ("WANG", PASSWORD)])
def test_a_wrong_guess_never_says_what_was_wrong(sqlite_store: Store, auth: Auth, login: str, password: str) -> None:
    hire(sqlite_store, auth)
    assert auth.log_in(login, password, "a", NOW) == NotLoggedIn("wrong")
    assert actions(sqlite_store) == [("log-in", "wang" if login == "wang" else "unknown", False)]


def test_someone_without_a_password_cannot_log_in(sqlite_store: Store, auth: Auth) -> None:
    sqlite_store.save_person(person("wang"))
    assert auth.log_in("wang", "", "a", NOW) == NotLoggedIn("wrong")


def test_a_session_ends_after_twelve_hours_however_busy(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    token = in_(auth).token
    for hour in range(12):
        assert auth.who(token, NOW + hour * 3_600_000) is not None
    assert auth.who(token, NOW + SESSION_MS - 1) is not None
    assert auth.who(token, NOW + SESSION_MS) is None
    assert auth.who(token, NOW) is None


def test_disabling_cuts_a_session_at_once(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    token = in_(auth).token
    sqlite_store.disable("wang")
    assert auth.who(token, NOW) is None
    assert auth.log_in("wang", PASSWORD, "a", NOW) == NotLoggedIn("wrong")


def test_guessing_is_throttled_and_the_right_password_does_not_help_then(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    for _ in range(5):
        assert auth.log_in("wang", "wrong", "a", NOW) == NotLoggedIn("wrong")
    assert auth.log_in("wang", PASSWORD, "a", NOW) == NotLoggedIn("throttled", wait_s=60)
    in_(auth, now=NOW + 60_000)


def test_many_guesses_at_once_are_not_all_let_through(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    answers: list[LoggedIn | NotLoggedIn] = []
    threads = [
        threading.Thread(target=lambda: answers.append(auth.log_in("wang", "wrong", "a", NOW))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(a == NotLoggedIn("wrong") for a in answers) == 5


def with_totp(store: Store, auth: Auth) -> str:
    hire(store, auth, "boss", "supervisor")
    first = in_(auth, "boss")
    assert first.wants_totp_set_up
    assert not who(auth, first.token).full
    secret, address = auth.begin_totp(who(auth, first.token))
    assert address.startswith("otpauth://totp/Threshold:boss?secret=")
    assert not auth.confirm_totp(who(auth, first.token), secret, "000000", NOW)
    assert auth.confirm_totp(who(auth, first.token), secret, TOTP(secret).at(NOW // 1000), NOW)
    assert who(auth, first.token).full
    return secret


@pytest.mark.parametrize("role", ["supervisor", "admin", "auditor"])
def test_who_sees_everything_must_set_up_a_second_factor(sqlite_store: Store, auth: Auth, role: StaffRole) -> None:
    hire(sqlite_store, auth, "boss", role)
    answer = in_(auth, "boss")
    assert answer.wants_totp_set_up
    assert who(auth, answer.token).wants == "totp-set-up"


def test_a_code_is_good_once_and_gives_a_new_session(sqlite_store: Store, auth: Auth) -> None:
    secret = with_totp(sqlite_store, auth)
    later = NOW + 60_000
    half = in_(auth, "boss", now=later)
    assert half.wants_totp
    assert who(auth, half.token, later).wants == "totp"
    code = TOTP(secret).at(later // 1000)
    whole = auth.second_factor(half.token, code, "a", later)
    assert isinstance(whole, LoggedIn)
    assert whole.token != half.token
    assert who(auth, whole.token, later).full
    assert auth.who(half.token, later) is None
    again = in_(auth, "boss", now=later)
    assert auth.second_factor(again.token, code, "a", later) == NotLoggedIn("code-used")
    # One that was set up with is spent too, and an older one than the last is not taken.
    assert auth.second_factor(again.token, TOTP(secret).at(NOW // 1000), "a", later).why == "code-wrong"  # type: ignore[union-attr]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "000000"])
def test_what_is_no_code(sqlite_store: Store, auth: Auth, code: str) -> None:
    with_totp(sqlite_store, auth)
    half = in_(auth, "boss")
    assert auth.second_factor(half.token, code, "a", NOW) == NotLoggedIn("code-wrong")
    assert not who(auth, half.token).full


def test_codes_cannot_be_guessed_through(sqlite_store: Store, auth: Auth) -> None:
    secret = with_totp(sqlite_store, auth)
    half = in_(auth, "boss")
    for _ in range(5):
        auth.second_factor(half.token, "000000", "a", NOW)
    code = TOTP(secret).at(NOW // 1000 + 30)
    assert auth.second_factor(half.token, code, "a", NOW) == NotLoggedIn("throttled", wait_s=300)
    assert auth.second_factor("stolen", code, "a", NOW) == NotLoggedIn("ended")


def test_a_password_is_changed_and_the_other_sessions_end(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    other, mine = in_(auth).token, in_(auth).token
    me = who(auth, mine)
    assert auth.change_password(me, "wrong", "a new long password", NOW) == NotLoggedIn("wrong")
    assert auth.change_password(me, PASSWORD, "short", NOW) == NotLoggedIn("weak", weakness="short")
    assert auth.change_password(me, PASSWORD, PASSWORD, NOW) == NotLoggedIn("weak", weakness="same")
    assert auth.change_password(me, PASSWORD, "a new long password", NOW) is None
    assert auth.who(other, NOW) is None
    assert auth.who(mine, NOW) is not None
    assert auth.log_in("wang", PASSWORD, "b", NOW) == NotLoggedIn("wrong")
    in_(auth, password="a new long password", address="b")


def test_the_old_password_cannot_be_guessed_through_a_stolen_session(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    me = who(auth, in_(auth).token)
    for _ in range(5):
        auth.change_password(me, "wrong", "a new long password", NOW)
    answer = auth.change_password(me, PASSWORD, "a new long password", NOW)
    assert answer is not None
    assert answer.why == "throttled"


def test_the_first_start_makes_an_administrator_once(sqlite_store: Store, auth: Auth) -> None:
    password = auth.first_start(NOW)
    assert password is not None
    assert len(password) == 19
    assert auth.first_start(NOW) is None
    answer = in_(auth, "admin", password)
    assert answer.wants_new_password
    assert who(auth, answer.token).wants == "new-password"
    assert auth.change_password(who(auth, answer.token), password, "a new long password", NOW) is None
    assert who(auth, answer.token).wants == "totp-set-up"


def test_a_reset_password_is_for_one_log_in(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    token = in_(auth).token
    password = auth.new_password_for("wang", by="admin", now_ms=NOW)
    assert auth.who(token, NOW) is None
    assert in_(auth, password=password).wants_new_password
    assert ("reset-password", "admin", True) in actions(sqlite_store)


def test_a_lost_phone(sqlite_store: Store, auth: Auth) -> None:
    with_totp(sqlite_store, auth)
    auth.take_totp_away("boss", by="admin", now_ms=NOW)
    assert in_(auth, "boss").wants_totp_set_up


def test_an_administrator_ends_all_sessions(sqlite_store: Store, auth: Auth) -> None:
    hire(sqlite_store, auth)
    tokens = [in_(auth).token for _ in range(3)]
    assert auth.end_all("wang", "admin", NOW) == 3
    assert [auth.who(token, NOW) for token in tokens] == [None] * 3


def test_the_cookies_name_says_whether_it_travels_by_https(sqlite_store: Store) -> None:
    assert Auth(sqlite_store, secure=True).cookie_name.startswith("__Host-")
    assert not Auth(sqlite_store).cookie_name.startswith("__Host-")
