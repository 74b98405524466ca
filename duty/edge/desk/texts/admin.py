"""Sentences of the administration: staff, roster, channels, devices, policy, audit."""

ROWS: dict[str, tuple[str, str]] = {
    "role_admin": ("管理员", "Administrator"),
    "role_auditor": ("审计员", "Auditor"),
}
