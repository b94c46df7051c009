"""Models of pixels that are given their neighbours: colours (raster, wavefront) and black and white (bilevel).

causal           which neighbours a pixel is given, and the wavefronts in which pixels are coded
places           where a wavefront's pixels and their neighbours lie in memory
colours          reversible colour transforms
heads            the networks' last layers: a mean, a scale and a tail for each plane of a pixel
tokens           residuals as symbols, and bits for what these leave open
distributions    the tables of probabilities that tokens are coded with
raster           small images given a map of features, for bits-back models
wavefront/       lossless photographs given a hierarchy's prediction
bilevel/         black and white images
"""
