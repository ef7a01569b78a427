"""The Icecast server, its mounts, and the Ogg pages that they consist of."""
