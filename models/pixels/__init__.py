"""Autoregressive models of pixels: colours (raster, wavefront) and black and white (bilevel).

causal           the receptive field of a pixel, and the wavefronts in which pixels are coded
places           indices of a wavefront's pixels and their neighbours in memory
colours          reversible colour transforms
heads            the networks' last layers: a mean, a scale and a tail for each plane of a pixel
tokens           residuals as symbols, each followed by a number of raw bits
distributions    the tables of probabilities that tokens are coded with
raster           p(x | features) of small images, for bits-back models
wavefront/       lossless photographs, conditioned on a hierarchy's prediction
bilevel/         black and white images
"""
