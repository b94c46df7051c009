"""Entropy coding: the ANS coder, residuals of pixels, and bits-back coding of latents."""
