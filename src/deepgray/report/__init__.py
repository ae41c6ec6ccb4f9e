"""A result goes out: label maps, tables, provenance and a page for people, in one folder that is whole or not there."""

from deepgray.report.folder import finished, write

__all__ = ["finished", "write"]
