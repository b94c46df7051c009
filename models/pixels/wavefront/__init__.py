"""p(x | z) of lossless photographs, each pixel given those before it: an exact network, walked in wavefronts."""
