"""The pages of the console: a router per page."""
