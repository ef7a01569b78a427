"""Open-set recognizers: one per tag, on the embeddings of a bundle, with everything else rejected as unknown."""
