"""Likelihoods of models and pictures drawn from them.

networks       the models that can be measured
family_bound   bounds for families of small images       photo_bound    the bound of a photograph model
family_samples their samples and reconstructions         photo_samples  the same for a photograph model
enumeration    every state of a small model
pictures       grids of samples and reconstructions as images
"""
