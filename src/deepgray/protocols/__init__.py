"""Protocols of published works, run on simulated scans with a known answer: the sets, the arms, the tables."""
