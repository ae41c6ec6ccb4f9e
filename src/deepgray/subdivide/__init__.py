"""Subdivide: the striatum into twelve functional parts, inside the (possibly corrected) outline."""

from __future__ import annotations

from deepgray.subdivide.geometric import by_rule, rule_names, split_label_map
from deepgray.subdivide.network import by_network

__all__ = ["by_network", "by_rule", "rule_names", "split_label_map"]
