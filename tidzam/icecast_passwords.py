"""The environment variables with Icecast's passwords, which no command line shows, and the user name of listeners."""

PASSWORD_ENV = "TIDZAM_ICECAST_PASSWORD"
"""The password with which sources are pushed."""
ADMIN_PASSWORD_ENV = "TIDZAM_ICECAST_ADMIN_PASSWORD"
"""The password with which statistics are requested. It gives access to all of Icecast."""

LISTENER = "tidzam"
"""The user name of listeners if listening requires the token, which is their password."""
