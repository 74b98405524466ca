"""Logging in: passwords, second factor, sessions that end.  Every step of it is in the audit log."""

import hashlib
import secrets
import threading
from typing import Literal

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type
from pyotp import random_base32
from pyotp.totp import TOTP

from duty.edge.store import Session, Store
from duty.passwords import weakness
from duty.people import Person
from duty.throttle import Throttle

SESSION_MS = 12 * 3_600_000
SEEN_EVERY_MS = 60_000
CODE_STEP_MS = 30_000
# Who sees all grids, or may change who does, proves more than a password.
SECOND_FACTOR_FOR = frozenset({"supervisor", "admin", "auditor"})

Wants = Literal["", "totp", "new-password", "totp-set-up"]


class LoggedIn(msgspec.Struct, frozen=True):
    """Logged in.  `token` goes into the cookie.  `wants_totp`: only the second-factor page is allowed until then;
    `wants_new_password` and `wants_totp_set_up` likewise."""

    token: str
    person: Person
    wants_totp: bool = False
    wants_new_password: bool = False
    wants_totp_set_up: bool = False


class NotLoggedIn(msgspec.Struct, frozen=True):
    """Why not.  `wrong` never says whether the login exists.  `wait_s` for `throttled`; `weakness` for `weak`."""

    why: Literal["wrong", "throttled", "code-wrong", "code-used", "weak", "ended"]
    wait_s: int = 0
    weakness: str = ""


class Who(msgspec.Struct, frozen=True):
    """Whose request this is.  `full` False: what `wants` says is still to be done."""

    person: Person
    token_hash: str
    full: bool
    wants: Wants = ""


class Auth:
    """`secure`: the desk is reached by https, so that its cookie may say so."""

    def __init__(self, store: Store, *, site: str = "Threshold", secure: bool = False) -> None:
        self.cookie_name = "__Host-threshold_session" if secure else "threshold_session"
        self._store = store
        self._site = site
        self._throttle = Throttle()
        # What one box bears: 19 MiB and two passes a guess, one guess at a time.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
        self._hashing = threading.Lock()
        self._lock = threading.Lock()
        # Verified against when there is no such login, so that the answer takes as long.
        self._nobody = ""

    # ── log-in ──

    def log_in(self, login: str, password: str, address: str, now_ms: int) -> LoggedIn | NotLoggedIn:
        """A password was given.  A throttled account is told so before the password is looked at."""
        with self._lock:
            wait_ms = self._throttle.wait_ms(login, address, now_ms)
            if not wait_ms:
                self._throttle.tries(login, address, now_ms)
        if wait_ms:
            return NotLoggedIn("throttled", wait_s=-(-wait_ms // 1000))
        account = self._store.account(login)
        right = self._verify(account.password_hash if account else "", password)
        if account is None or not right or account.person.disabled:
            # What was typed as a login may be a password: only one that exists is written down.
            self._audit("log-in", account.person.id if account else "unknown", now_ms, address, well=False)
            return NotLoggedIn("wrong")
        with self._lock:
            self._throttle.succeeded(login, address, now_ms)
        person = account.person
        if self._hasher.check_needs_rehash(account.password_hash):
            self._store.set_password(person.id, self._hash(password), must_change=person.must_change_password)
        return self._begin(person, address, now_ms, passed_totp=False)

    def second_factor(self, token: str, code: str, address: str, now_ms: int) -> LoggedIn | NotLoggedIn:
        """A one-time code was given for a session that wants one.  The session goes on under a new token."""
        session = self._session(token, now_ms)
        person = self._store.person(session.person) if session else None
        if session is None or person is None or person.disabled:
            return NotLoggedIn("ended")
        wrong = self._spend_code(person, code, now_ms)
        if wrong is not None:
            self._audit("second-factor", person.id, now_ms, address, well=False, detail=wrong.why)
            return wrong
        self._store.end_session(session.token_hash)
        return self._begin(person, address, now_ms, passed_totp=True)

    def _begin(self, person: Person, address: str, now_ms: int, *, passed_totp: bool) -> LoggedIn:
        token = secrets.token_urlsafe(32)
        session = Session(
            token_hash=_hash_of(token),
            person=person.id,
            created_ms=now_ms,
            until_ms=now_ms + SESSION_MS,
            seen_ms=now_ms,
            passed_totp=passed_totp,
            address=address,
        )
        with self._store.together():
            self._store.add_session(session)
            self._audit("second-factor" if passed_totp else "log-in", person.id, now_ms, address, well=True)
        wants = _wants(person, session)
        return LoggedIn(
            token,
            person,
            wants_totp=wants == "totp",
            wants_new_password=wants == "new-password",
            wants_totp_set_up=wants == "totp-set-up",
        )

    def _spend_code(self, person: Person, code: str, now_ms: int) -> NotLoggedIn | None:
        with self._lock:
            wait_ms = self._throttle.code_wait_ms(person.id, now_ms)
            if not wait_ms:
                self._throttle.tries_code(person.id, now_ms)
        if wait_ms:
            return NotLoggedIn("throttled", wait_s=-(-wait_ms // 1000))
        account = self._store.account(person.login)
        secret = account.totp_secret if account else ""
        step = _step_of(secret, code, now_ms) if secret else None
        if step is not None and self._store.use_totp_step(person.id, step):
            with self._lock:
                self._throttle.code_succeeded(person.id)
            return None
        return NotLoggedIn("code-wrong" if step is None else "code-used")

    # ── sessions ──

    def _session(self, token: str, now_ms: int) -> Session | None:
        session = self._store.session(_hash_of(token)) if token else None
        if session is None:
            return None
        if now_ms >= session.until_ms:
            self._store.end_session(session.token_hash)
            return None
        return session

    def who(self, token: str, now_ms: int) -> Who | None:
        """Whose session this is, or None.  Cheap: asked for every request, and every few seconds by a live stream."""
        session = self._session(token, now_ms)
        person = self._store.person(session.person) if session else None
        if session is None or person is None or person.disabled:
            return None
        if now_ms - session.seen_ms >= SEEN_EVERY_MS:
            self._store.touch_session(session.token_hash, now_ms)
        wants = _wants(person, session)
        return Who(person, session.token_hash, full=not wants, wants=wants)

    def log_out(self, token: str, now_ms: int) -> None:
        """End the session."""
        session = self._session(token, now_ms)
        if session is not None:
            with self._store.together():
                self._store.end_session(session.token_hash)
                self._audit("log-out", session.person, now_ms, session.address, well=True)

    def end_all(self, person: str, by: str, now_ms: int) -> int:
        """End every session of a person; how many there were."""
        with self._store.together():
            ended = self._store.end_sessions_of(person)
            self._store.audit(at_ms=now_ms, actor=by, action="end-sessions", object=person, detail=str(ended))
        return ended

    # ── passwords and second factor ──

    def change_password(self, who: Who, old: str, new: str, now_ms: int) -> NotLoggedIn | None:
        """The person's own password; None when it is done.  Every other session of the person ends."""
        person = who.person
        here = f"session/{who.token_hash}"
        with self._lock:
            wait_ms = self._throttle.wait_ms(person.login, here, now_ms)
            if not wait_ms:
                self._throttle.tries(person.login, here, now_ms)
        if wait_ms:
            return NotLoggedIn("throttled", wait_s=-(-wait_ms // 1000))
        account = self._store.account(person.login)
        if account is None or not self._verify(account.password_hash, old):
            self._audit("change-password", person.id, now_ms, "", well=False)
            return NotLoggedIn("wrong")
        with self._lock:
            self._throttle.succeeded(person.login, here, now_ms)
        weak = weakness(new, person.login) or ("same" if new == old else None)
        if weak is not None:
            return NotLoggedIn("weak", weakness=weak)
        hashed = self._hash(new)
        with self._store.together():
            self._store.set_password(person.id, hashed, must_change=False)
            self._store.end_sessions_of(person.id, but=who.token_hash)
            self._audit("change-password", person.id, now_ms, "", well=True)
        return None

    def new_password_for(self, person: str, *, by: str, now_ms: int) -> str:
        """A one-time password for `person`, to be shown once; it must be changed at the first log-in.  Their sessions
        end, and their second factor stays."""
        password = one_time_password()
        hashed = self._hash(password)
        with self._store.together():
            self._store.set_password(person, hashed, must_change=True)
            self._store.end_sessions_of(person)
            self._store.audit(at_ms=now_ms, actor=by, action="reset-password", object=person)
        return password

    def begin_totp(self, who: Who) -> tuple[str, str]:
        """A fresh secret and its otpauth:// address for the QR code; kept only once `confirm_totp` has seen a code."""
        secret = random_base32(32)
        return secret, TOTP(secret).provisioning_uri(name=who.person.login, issuer_name=self._site)

    def confirm_totp(self, who: Who, secret: str, code: str, now_ms: int) -> bool:
        """The second factor is set up, if the code is right; this session has then passed it."""
        step = _step_of(secret, code, now_ms)
        if step is None:
            return False
        person = who.person.id
        with self._store.together():
            self._store.set_totp(person, secret)
            self._store.use_totp_step(person, step)
            self._store.touch_session(who.token_hash, now_ms, passed_totp=True)
            self._store.end_sessions_of(person, but=who.token_hash)
            self._audit("set-second-factor", person, now_ms, "", well=True)
        return True

    def take_totp_away(self, person: str, *, by: str, now_ms: int) -> None:
        """A lost phone: the person sets up a new second factor at the next log-in.  Their sessions end."""
        with self._store.together():
            self._store.set_totp(person, "")
            self._store.end_sessions_of(person)
            self._store.audit(at_ms=now_ms, actor=by, action="take-second-factor", object=person)

    def set_password(self, person: str, password: str, *, must_change: bool = False) -> None:
        """A password given by whoever fills the store (the demonstration).  Nothing is checked."""
        self._store.set_password(person, self._hash(password), must_change=must_change)

    def first_start(self, now_ms: int) -> str | None:
        """On an empty store make the administrator and return the one-time password; else None."""
        with self._store.together():
            if self._store.people():
                return None
            password = one_time_password()
            admin = Person(
                id="admin",
                login="admin",
                name="Administrator",
                roles=("admin", "auditor"),
                grids=("*",),
                must_change_password=True,
                created_ms=now_ms,
            )
            self._store.save_person(admin)
            self._store.set_password(admin.id, self._hash(password), must_change=True)
            self._store.audit(at_ms=now_ms, actor="system", action="first-start", object=admin.id)
        return password

    def _hash(self, password: str) -> str:
        with self._hashing:
            return self._hasher.hash(password)

    def _verify(self, password_hash: str, password: str) -> bool:
        with self._hashing:
            if not self._nobody:
                self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
            try:
                self._hasher.verify(password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return bool(password_hash)

    def _audit(self, action: str, person: str, now_ms: int, address: str, *, well: bool, detail: str = "") -> None:
        self._store.audit(
            at_ms=now_ms, actor=person, action=action, object=person, well=well, address=address, detail=detail
        )


def _wants(person: Person, session: Session) -> Wants:
    if person.has_totp and not session.passed_totp:
        return "totp"
    if person.must_change_password:
        return "new-password"
    if not person.has_totp and SECOND_FACTOR_FOR.intersection(person.roles):
        return "totp-set-up"
    return ""


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _step_of(secret: str, code: str, now_ms: int) -> int | None:
    """The 30 s step whose code this is: the present one, or the one before or after it (a phone's clock may differ)."""
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return None
    now = now_ms // CODE_STEP_MS
    codes = TOTP(secret)
    # All three are compared, so that the time taken says nothing.
    found = [step for step in (now - 1, now, now + 1) if secrets.compare_digest(codes.generate_otp(step), code)]
    return found[-1] if found else None


def one_time_password() -> str:
    """Sixteen letters and digits that cannot be mistaken for one another: 80 bits."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    word = "".join(secrets.choice(letters) for _ in range(16))
    return "-".join(word[at : at + 4] for at in range(0, 16, 4))
