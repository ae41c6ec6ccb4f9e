"""``deepgray simulate``: scans with a known answer, made from label maps."""

from __future__ import annotations

from cyclopts import App

app = App(name="simulate", help="Make scans with a known answer.")
