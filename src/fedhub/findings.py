"""What a look at a running hub found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fedhub.errors import FedhubError

State = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: what, in a word such as `certificate` or `callback`.
        subject: of what, such as the name of a login provider.
        state: how it is; what can't be told from here is skipped.
        detail: in a line.
        fix: what to do about it; "" when it is fine.
    """

    check: str
    subject: str
    state: State
    detail: str
    fix: str = ""


def ok(check: str, subject: str, detail: str) -> Finding:
    """Return a finding that is fine."""
    return Finding(check, subject, "ok", detail)


def failed(check: str, subject: str, detail: str, fix: str) -> Finding:
    """Return a finding that is not."""
    return Finding(check, subject, "failed", detail, fix)


def skipped(check: str, subject: str, why: str) -> Finding:
    """Return what can't be told from here."""
    return Finding(check, subject, "skipped", why)


def of_error(check: str, subject: str, error: FedhubError) -> Finding:
    """Return an error as a finding."""
    return failed(check, subject, error.message, error.fix)
