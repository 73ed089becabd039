"""What `fedhub idp run` prints is all that trying `fedhub register` takes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.registration.office import VALUES, Office


def test_registering_at_the_sample(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    fedhub = str(Path(sys.executable).with_name("fedhub"))
    running = subprocess.Popen([fedhub, "idp", "run"], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout
        printed = ""
        for line in running.stdout:
            printed += line
            if line.startswith("The identity provider is at"):
                break
        settings = re.search(r"^  owner:.*?SAMPLE_ADMIN}$", printed, re.DOTALL | re.MULTILINE)
        variable = re.search(r"export SAMPLE_ADMIN='(.*)'", printed)
        assert settings and variable
        (office.values / "registration.yaml").write_text(textwrap.dedent(settings[0]))
        monkeypatch.setenv("SAMPLE_ADMIN", variable[1])
        (office.values / "campus.values.yaml").write_text(VALUES.format(domain="a.example.org"))
        assert office.did("create", "campus")["did"] == "created"
        assert office.run("list").code == 0
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate()
