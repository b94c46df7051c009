"""Lossy photographs: symbols of a hierarchy, the search for a quality, and the filter fitted to an image."""
