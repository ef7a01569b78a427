"""Models that others made, as bundles in a node's home: adding known ones, importing files, removing."""
