"""Protocol A: twelve subregions on simulated T1 and PET, an atlas and one network beside two, and two beside an expert.

Work A: Kim et al. 2026, doi:10.1038/s41598-026-36399-0.
"""
