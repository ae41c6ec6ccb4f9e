"""Pure functions on arrays: no files, no scans, only voxels and the numbers that describe their grid."""
