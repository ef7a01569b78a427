"""What goes wrong when somebody logs in with OpenID Connect."""

from __future__ import annotations

from tidzam.errors import RequestError


def refused(reason: str) -> RequestError:
    """The error of a log-in that is not believed, or that the provider has refused."""
    return RequestError(f"The log-in failed: {reason}.", hint="Begin again.", code="openid")


def away(reason: str) -> RequestError:
    """The error of a provider that does not answer as it should."""
    return RequestError(
        f"The provider of the log-in cannot be used: {reason}.",
        hint="Try again later, or log in with a password.",
        code="openid_away",
    )
