"""Subdivide: the striatum into twelve functional parts, inside the (possibly corrected) outline."""

from __future__ import annotations

from deepgray.subdivide.geometric import by_rule, rule_names, split_label_map
from deepgray.subdivide.network import by_network
from deepgray.subdivide.unsure import part_uncertainty

__all__ = ["by_network", "by_rule", "part_uncertainty", "rule_names", "split_label_map"]
