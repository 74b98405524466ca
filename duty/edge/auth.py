"""Logging in: passwords, second factor, sessions, throttle, origin check, and the links of residents."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from duty.people import Person

COOKIE = "threshold_session"  # `__Host-threshold_session` over https: use `Auth.cookie_name`


class LoggedIn(msgspec.Struct, frozen=True):
    """Logged in.  `token` goes into the cookie.  `wants_totp`: only the second-factor page is allowed until then;
    `wants_new_password` and `wants_totp_set_up` likewise."""

    token: str
    person: Person
    wants_totp: bool = False
    wants_new_password: bool = False
    wants_totp_set_up: bool = False


class NotLoggedIn(msgspec.Struct, frozen=True):
    """Why not.  `wrong` never says whether the login exists.  `wait_s` for `throttled`."""

    why: Literal["wrong", "throttled", "code-wrong", "code-used", "weak", "ended"]
    wait_s: int = 0


class Who(msgspec.Struct, frozen=True):
    """Whose request this is.  `full` False: something of LoggedIn's `wants_…` is still to be done."""

    person: Person
    token_hash: str
    full: bool
    wants: Literal["", "totp", "new-password", "totp-set-up"] = ""


class Auth:
    """Built by the runner."""

    cookie_name: str

    def log_in(self, login: str, password: str, address: str, now_ms: int) -> LoggedIn | NotLoggedIn: ...  # type: ignore[empty-body]
    def second_factor(self, token: str, code: str, address: str, now_ms: int) -> LoggedIn | NotLoggedIn: ...  # type: ignore[empty-body]
    def who(self, token: str, now_ms: int) -> Who | None:
        """Whose session this is, or None.  Cheap: called for every request, and every 5 s by a live stream."""

    def log_out(self, token: str, now_ms: int) -> None: ...
    def change_password(self, who: Who, old: str, new: str, now_ms: int) -> NotLoggedIn | None: ...
    def begin_totp(self, who: Who) -> tuple[str, str]:
        """A fresh secret and its otpauth:// address for the QR code; kept only once `confirm_totp` has seen a code."""
        raise NotImplementedError

    def confirm_totp(self, who: Who, secret: str, code: str, now_ms: int) -> bool: ...  # type: ignore[empty-body]
    def new_password_for(self, person: str) -> str:
        """A one-time password for `person`, to be shown once; must be changed at the first log-in."""
        raise NotImplementedError

    def first_start(self, now_ms: int) -> str | None:
        """On an empty store make the administrator and return the one-time password; else None."""


def same_origin(method: str, headers: Mapping[str, str], own_origins: frozenset[str]) -> bool:
    """Whether a request may change something: Origin (or Referer, or Sec-Fetch-Site) is our own.  GET and HEAD always."""
    raise NotImplementedError
