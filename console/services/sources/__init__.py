"""The sources of the node: what they are, what was heard of them, and how they are changed."""
