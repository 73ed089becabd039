"""What every test shares."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Two busy cores make timing say nothing: no deadline, and a slow first draw is no failure.
# CI draws the same cases each time, so that a change is judged by what it changes; everybody
# else's runs look for new ones.
settings.register_profile(
    "fedhub",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("fedhub")
