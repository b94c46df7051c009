"""Lossy photographs: symbols of a hierarchy, the search for a quality, and the adaptive filter of an image."""
