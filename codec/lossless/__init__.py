"""Lossless pictures: one module for each way of coding their samples, and the choice of the smallest."""
