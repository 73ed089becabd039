"""Apache with mod_auth_openidc, as Debian has them: an application that takes only an issuer.

Hides: its configuration, and that root may not serve pages.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.oidc_hub import Application

_MODULES = Path("/usr/lib/apache2/modules")
_NEEDED = ("mpm_event", "authz_core", "authn_core", "authz_user", "mime", "include")
_START = 20.0
"""Seconds that it may take to answer."""


def has_mod_auth_openidc() -> bool:
    """Return whether this machine has them."""
    return shutil.which("apache2") is not None and (_MODULES / "mod_auth_openidc.so").exists()


@contextmanager
def apache(issuer: str, application: Application) -> Iterator[str]:
    """Serve a page to those who are logged in; yield its address.

    Args:
        issuer: all that it is told of the hub, but for its own client.
        application: its client.
    """
    with tempfile.TemporaryDirectory(prefix="apache-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # its workers are not root
        pages = folder / "pages" / "app"
        pages.mkdir(parents=True)
        (pages / "index.shtml").write_text(
            '<!--#echo var="OIDC_CLAIM_preferred_username" --> is in '
            '<!--#echo var="OIDC_CLAIM_groups" -->\n'
        )
        configuration = folder / "apache.conf"
        configuration.write_text(_configuration(folder, issuer, application))
        configuration.chmod(0o600)
        process = subprocess.Popen(["apache2", "-DFOREGROUND", "-f", str(configuration)])
        try:
            _await(process, folder / "pid")
            yield application.callback.rpartition("/")[0] + "/index.shtml"
        finally:
            process.terminate()
            process.wait(timeout=30)


def _configuration(folder: Path, issuer: str, application: Application) -> str:
    port = urlsplit(application.callback).port
    modules = [f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in _NEEDED]
    user = ["User nobody", "Group nogroup"] if os.geteuid() == 0 else []
    return "\n".join(
        [
            f"ServerRoot {folder}",
            "ServerName 127.0.0.1",
            f"Listen 127.0.0.1:{port}",
            f"PidFile {folder}/pid",
            f"ErrorLog {folder}/error.log",
            f"DefaultRuntimeDir {folder}",
            *modules,
            f"LoadModule auth_openidc_module {_MODULES}/mod_auth_openidc.so",
            *user,
            "TypesConfig /dev/null",
            f"DocumentRoot {folder}/pages",
            "AddType text/html .shtml",
            "AddOutputFilter INCLUDES .shtml",
            f"OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration",
            f"OIDCClientID {application.client_id}",
            f"OIDCClientSecret {application.secret}",
            f"OIDCRedirectURI {application.callback}",
            f"OIDCCryptoPassphrase {secrets.token_urlsafe(32)}",
            "OIDCScope 'openid profile'",
            "OIDCPKCEMethod S256",
            "<Location /app>",
            "AuthType openid-connect",
            "Require valid-user",
            "Options +Includes",
            "</Location>",
            "",
        ]
    )


def _await(process: subprocess.Popen[bytes], written: Path) -> None:
    """Wait until it has written its number, which it does once it listens."""
    end = time.monotonic() + _START
    while time.monotonic() < end and not written.exists():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
            break
    assert written.exists(), "Apache did not start"
