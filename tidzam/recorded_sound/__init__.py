"""The sound of a channel at any time: stitched from its recordings, with the gaps between them, and as peaks."""
