"""Numpy-only protocols between networks and coders: what codec/ may know of a model."""
