"""Objectives that several tasks may share: differentiable measures of images."""
