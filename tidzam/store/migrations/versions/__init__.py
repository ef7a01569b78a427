"""A module per version of the store's schema: `NNNN_topic.py` with the revision NNNN."""
