"""The REST API below /api/v1: a router per topic."""
