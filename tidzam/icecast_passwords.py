"""The environment variables with Icecast's passwords. No command line shows them."""

PASSWORD_ENV = "TIDZAM_ICECAST_PASSWORD"
"""The password with which sources are pushed."""
ADMIN_PASSWORD_ENV = "TIDZAM_ICECAST_ADMIN_PASSWORD"
"""The password with which statistics are requested. It gives access to all of Icecast."""
