"""Presets and recipes: plain numbers that say what is trained and how. Nothing here loads torch."""
