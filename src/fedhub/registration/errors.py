"""What can go wrong with a registration; each says what to do."""

from __future__ import annotations

from fedhub.errors import FedhubError


class RegistrationError(FedhubError):
    """A provider refused, or could not be asked."""


class UnreachableError(RegistrationError):
    """No answer, or none that can be read; nothing was changed."""


class UncertainError(RegistrationError):
    """The answer was lost: the change may have been made, or not."""


class RateLimitedError(RegistrationError):
    """Too many requests; nothing was changed."""


class QuotaError(RegistrationError):
    """The administrative client may have no more clients."""


class CredentialsError(RegistrationError):
    """The administrative client is unknown, unapproved, or has another secret."""


class UnknownClientError(RegistrationError):
    """The provider knows no such client of this administrative client."""


class WrongSecretError(RegistrationError):
    """A secret is not that of the client."""
