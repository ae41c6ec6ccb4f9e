"""Simulated scans with a known answer: label maps in, magnetic resonance images of any contrast out."""
