"""Importers: the formats in which people and other programs keep audio and labels, one file per format.

A package adds a format by an entry point in the group `tidzam.importers`; see `base.Importer` for the contract.
"""

from __future__ import annotations

from tidzam.extensions import Registry

IMPORTERS = Registry(
    "tidzam.importers",
    "importer",
    {
        "folders": "database_tool.importers.folders:FoldersImporter",
        "clips": "database_tool.importers.clips:ClipsImporter",
        "csv": "database_tool.importers.csv:CsvImporter",
        "raven": "database_tool.importers.raven:RavenImporter",
        "audacity": "database_tool.importers.audacity:AudacityImporter",
        "esc50": "database_tool.importers.esc50:Esc50Importer",
    },
)
