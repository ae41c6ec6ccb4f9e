"""A result goes out: label maps, tables, provenance and a page for people, in one folder that is whole or not there."""

from deepgray.report.folder import finished, recover, summary, write
from deepgray.report.kept import read_kept
from deepgray.report.record import Summary

__all__ = ["Summary", "finished", "read_kept", "recover", "summary", "write"]
