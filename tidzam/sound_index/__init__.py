"""The index of recorded sound: the embeddings of a node's recordings on disk, and the most similar ones to others."""
