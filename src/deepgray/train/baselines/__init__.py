"""Baselines on DaT SPECT: the networks that work B compared, in its own layout, to be compared with deepgray's path.

Work B: Wang et al. 2024, doi:10.1109/TRPMS.2024.3398360. They see crops in the scan's own axes, without a canonical
frame, and tell left from right by themselves. What the work does not state is chosen here, and said beside it.
"""
