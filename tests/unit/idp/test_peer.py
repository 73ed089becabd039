"""A preview's identity provider answers the user it runs as, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest

from fedhub.idp.server import IdentityProvider

ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"
NOBODY = 65534


def test_our_own_user_is_answered() -> None:
    with IdentityProvider(own_user_only=True) as idp:
        assert httpx.get(f"{idp.url}/idplist/", trust_env=False).status_code == 200


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux can be another user"
)
def test_another_user_of_the_machine_is_refused() -> None:
    def as_nobody(idp: IdentityProvider) -> str:
        # The interpreter of a virtual environment may be out of that user's reach.
        done = subprocess.run(
            ["/usr/bin/python3", "-c", ASK, f"{idp.url}/idplist/"],
            check=False,
            capture_output=True,
            text=True,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin"},
            cwd="/",
        )
        return done.stderr

    with IdentityProvider(own_user_only=True) as idp:
        assert "403" in as_nobody(idp)
    with IdentityProvider() as idp:
        assert as_nobody(idp) == ""
