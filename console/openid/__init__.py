"""OpenID Connect: logging in with the account that somebody has at another provider."""
