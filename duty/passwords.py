"""What may be a password: long enough and not one that everybody tries.  No rules about kinds of characters."""

from typing import Literal

LEAST = 10
MOST = 256

Weakness = Literal["short", "long", "few-characters", "contains-login", "common", "sequence"]

# Long enough, and tried first by everyone who guesses.  Compared without case, blanks and marks.
_COMMON_WORDS = """
password12 password123 password1234 passw0rd123 administrator admin12345 admin123456 adminadmin letmein123
welcome123 iloveyou12 iloveyou123 sunshine12 football12 qwertyuiop qwerty12345 qwerty123456 1qaz2wsx3edc
1q2w3e4r5t 1q2w3e4r5t6y zaq12wsxcde asdfghjkl1 zxcvbnm123 abcdefghij abcd123456 abc1234567 a123456789
aa123456789 q123456789 woaini1314 woaini520 woaini520520 woaini1314520 5201314520 1314520520 5201314131
wodemima123 mima123456 threshold1 threshold12 threshold123 thresholddesk changeme123 changemenow secret12345
dragon12345 monkey12345 superman123 princess123 trustno1234 guanliyuan shequ12345 shequ123456 menci12345
xiaoqu12345 fangyi12345 fangyi2020 jujiageli1 gelizhigong
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_RUNS = ("0123456789012345678901234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")


def weakness(password: str, login: str) -> Weakness | None:
    """Why `password` will not do for `login`, or None."""
    if len(password) < LEAST:
        return "short"
    if len(password) > MOST:
        return "long"
    if len(set(password)) < 5:
        return "few-characters"
    plain = "".join(c for c in password.casefold() if c.isalnum())
    if len(login) >= 3 and login.casefold() in plain and len(plain) - len(login) < 6:
        return "contains-login"
    if plain in _COMMON:
        return "common"
    if len(plain) >= LEAST and any(plain in run or plain in run[::-1] for run in _RUNS):
        return "sequence"
    return None
