"""Hierarchical discrete VAEs as choices on independent axes, and their Gaussian baselines.

`config` has the axes (no torch), `model.FamilyVAE` composes them, `choosers` decide the symbols of the one walk.
"""
