"""What every test shares."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Two busy cores make timing say nothing: no deadline, and a slow first draw is no failure.
settings.register_profile(
    "fedhub", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("fedhub")
