"""The photograph model: RRVQ-VAE conditioned on the quality, as the lossy codec uses it."""
