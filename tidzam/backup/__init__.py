"""Backups of a node: folders of plain files with their checksums, made, listed, verified and restored."""
