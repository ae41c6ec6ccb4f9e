"""Training of deepgray's networks from label maps; needs the extra ``train``."""
