"""Hierarchical discrete VAEs of small images, each a combination of independent options, and their Gaussian baselines.

`config` defines the options (without torch), `model.FamilyVAE` builds the networks, and `symbol_sources` choose the
symbols of the one top-down pass. `runtime` codes images with the integers of a weights file, without torch.
"""
