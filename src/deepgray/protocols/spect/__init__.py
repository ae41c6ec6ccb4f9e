"""Protocol B: caudate and putamen on DaT SPECT, deepgray beside the baselines, on simulated people of known stage.

Work B: Wang et al. 2024, doi:10.1109/TRPMS.2024.3398360.
"""
