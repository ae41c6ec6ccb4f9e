"""The review page: the only door that speaks to a network, and by default to this machine alone."""
