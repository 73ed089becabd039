"""A hub that does not start is explained in one paragraph."""

from __future__ import annotations

from fedhub.preview.reason import reason_from_log


def test_the_last_exception_is_the_reason() -> None:
    log = [
        "[I 2026-01-01 10:00:00.000 JupyterHub app:1] Running",
        "Traceback (most recent call last):",
        '  File "hub.extraConfig.10-custom", line 2, in <module>',
        "ValueError: first",
        "During handling of the above exception, another exception occurred:",
        "traitlets.traitlets.TraitError: The 'idps' trait expected a dict,",
        "not the list [].",
        "[I 2026-01-01 10:00:00.000 JupyterHub app:1] Exiting",
    ]
    expected = "TraitError: The 'idps' trait expected a dict, not the list []."
    assert reason_from_log(log) == expected


def test_an_error_that_is_only_logged_is_the_reason() -> None:
    log = [
        "[C 2026-01-01 10:00:00.000 JupyterHub app:1] Failed to load the authenticator",
        "[I 2026-01-01 10:00:00.000 JupyterHub app:1] bye",
    ]
    assert reason_from_log(log) == "Failed to load the authenticator"


def test_silence_is_said_to_be_silence() -> None:
    assert reason_from_log([]) == "it printed nothing"
