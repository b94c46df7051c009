"""Protocols between networks and coders, in numpy types only: all that codec/ may know of a model."""
