"""Floating-point errors as numpy treats them in a fresh process, whatever a host has chosen with `numpy.seterr`."""

import numpy as np

numpy_defaults = np.errstate(divide="warn", over="warn", invalid="warn", under="ignore")
"""A decorator for the functions that compress and decompress. It ends with the call."""
