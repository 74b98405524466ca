import pytest

from duty.passwords import weakness


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("ninechars", "short"),
        ("x" * 257, "long"),
        ("aaaaaaaaaaaa", "few-characters"),
        ("ababababcdcd", "few-characters"),
        ("wanglei2020", "contains-login"),
        ("Password-123", "common"),
        ("qwertyuiop", "common"),
        ("0987654321", "sequence"),
        ("lkjhgfdsapoi", "sequence"),
        ("correct horse battery", None),
        ("二十个汉字也可以当作密码", None),
        ("Tr0ub4dor&3x", None),
        ("wanglei walks the dog at dawn", None),
    ],
)
def test_what_may_be_a_password(password: str, why: str | None) -> None:
    assert weakness(password, "wanglei") == why
