"""mosquitto, with the settings a site should have (`durable`) or with those of a bench (`fast`)."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tests.servers.certificates import Authority, KeyPair
from tests.servers.finding import need
from tests.servers.process import Server

Settings = Literal["durable", "fast"]

# durable: what was acknowledged to a publisher outlives kill -9. fast: all in memory, a killed broker forgets.
SETTINGS: dict[Settings, tuple[str, ...]] = {
    "durable": ("persistence true", "autosave_interval 1", "autosave_on_changes true"),
    "fast": ("persistence false",),
}


class Mosquitto(Server):
    """`passwords` is user → password (without it anonymous clients are let in); `authority` turns TLS on.

    With `client_certificates` a client must show one of the authority's. `acl` is the text of an ACL file, `extra` are
    further lines of the configuration.
    """

    name = "mosquitto"

    def __init__(
        self,
        folder: Path,
        *,
        settings: Settings = "durable",
        passwords: Mapping[str, str] | None = None,
        authority: Authority | None = None,
        client_certificates: bool = False,
        acl: str | None = None,
        extra: tuple[str, ...] = (),
        port: int | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self.program = need("mosquitto")
        self.settings: Settings = settings
        self.passwords = dict(passwords or {})
        self.authority = authority
        self.client_certificates = client_certificates
        self.acl = acl
        self.extra = extra
        self.pair: KeyPair | None = authority.issue("mosquitto") if authority else None

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.authority else 'mqtt'}://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [str(self.program), "-c", str(self._configuration())]

    def _configuration(self) -> Path:
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"persistence_location {self.folder}/",
            "max_queued_messages 0",
            "max_inflight_messages 0",
            f"allow_anonymous {'false' if self.passwords else 'true'}",
            *SETTINGS[self.settings],
            *self.extra,
        ]
        if os.geteuid() == 0:
            # Started by root it would become the user `mosquitto`, who may not write in our folder.
            lines.append("user root")
        if self.passwords:
            lines.append(f"password_file {self._password_file()}")
        if self.acl is not None:
            (self.folder / "acl").write_text(self.acl)
            lines.append(f"acl_file {self.folder / 'acl'}")
        if self.authority and self.pair:
            lines += [
                f"cafile {self.authority.certificate}",
                f"certfile {self.pair.certificate}",
                f"keyfile {self.pair.key}",
                f"require_certificate {'true' if self.client_certificates else 'false'}",
            ]
        path = self.folder / "mosquitto.conf"
        path.write_text("\n".join(lines) + "\n")
        return path

    def _password_file(self) -> Path:
        path = self.folder / "passwords"
        path.write_text("".join(f"{user}:{password}\n" for user, password in self.passwords.items()))
        subprocess.run([str(need("mosquitto_passwd")), "-U", str(path)], check=True, timeout=120)
        return path
