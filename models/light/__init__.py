"""The light photograph model: scalar symbols on even grids, priors from a quantised (location, scale, tail) embedding.

Each embedding is one of few prototypes, so that the responsibilities that its prior needs can be computed in advance.
"""
