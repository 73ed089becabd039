"""Callback URLs: those that stay as they are on their way through a browser."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedhub.errors import UsageError
from fedhub.services.redirects import check_redirect


@pytest.mark.parametrize(
    "address",
    [
        "https://grafana.example.org/login/generic_oauth",
        "https://a.example.org:8443/callback?tenant=1",
        "https://[2001:db8::1]/callback",
        "http://localhost:3000/callback",
        "http://127.0.0.1:5000/callback",
        "http://[::1]:5000/callback",
        "https://a.example.org/with%20space",
        "https://xn--bcher-kva.example/callback",
    ],
)
def test_these_are_taken(address: str) -> None:
    check_redirect(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://grafana.example.org/callback",
        "http://127.evil.example/callback",
        "http://localhost.evil.example/callback",
        "https://a.example.org/callback#",
        "https://a.example.org/callback#top",
        "https://*.example.org/callback",
        "https://a.example.org/*",
        "https://good.example.org@evil.example/callback",
        "https://a.example.org/../callback",
        "https://a.example.org/.",
        "https://a.example.org/x%2f..%2fy",
        "https://a.example.org/%2E%2e/y",
        "https://a.example.org\\@evil.example/",
        "https://bücher.example/callback",
        "https://a.example.org/a b",
        "https://a.example.org/a\n",
        "https://a.example.org/%zz",
        "https://a.example.org:port/",
        "https:///callback",
        "https:callback",
        "javascript:alert(1)",
        "/callback",
        "",
    ],
)
def test_these_are_refused(address: str) -> None:
    with pytest.raises(UsageError, match="can't be a callback URL"):
        check_redirect(address)


parts = st.sampled_from(
    ["https://", "http://", "a.example", "/", "//", "..", ".", "%2f", "%2e", "@", "\\", "?", ":",
     "é", "127.0.0.1", "[::1]", ":80", "x", "\t", "%00", "K", ";"]
)  # fmt: skip


@given(st.lists(parts, max_size=8).map("".join))
def test_what_is_taken_reaches_the_host_that_it_names(address: str) -> None:
    try:
        check_redirect(address)
    except UsageError:
        return
    try:
        there = httpx.URL(address)
    except httpx.InvalidURL:  # then it is sent nowhere
        return
    assert there.host
    assert not there.userinfo
    assert there.scheme == "https" or there.host in ("127.0.0.1", "::1")
    assert ".." not in there.path.split("/")
