"""Lossless pictures: one module for each method of coding their samples, and the choice of the smallest file."""
