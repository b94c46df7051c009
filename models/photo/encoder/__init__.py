"""Computations of encoders only: look-ahead and perceptual weights."""
