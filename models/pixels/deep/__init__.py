"""Samples of 9 to 16 bits: predictions, contexts and counts that adapt while an image is coded; no network."""
