"""p(x | z) of lossless photographs, autoregressive over pixels: an exact network, evaluated in wavefronts."""
