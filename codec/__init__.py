"""Bytes and symbols: the container, entropy coding, image files in and out. No torch is imported at module level."""
