"""What pages and the REST API do: the same functions for both."""
