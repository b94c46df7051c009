"""Autoregressive models of pixels: colours (raster, wavefront) and black and white (bilevel).

causal           the receptive field of a pixel, and the wavefronts in which pixels are coded
places           indices of a wavefront's pixels and their neighbours in memory
colours          reversible colour transforms
grids            grids and limits of the networks of colours
tokens           residuals as symbols, each followed by a number of raw bits
distributions    the tables of probabilities that tokens are coded with
integer_heads    the networks' last layers for coding: a mean, a scale and a tail for each plane of a pixel
raster_pass      p(x | features) of small images, for bits-back models
wavefront/       lossless photographs, conditioned on a hierarchy's prediction
bilevel/         black and white images
deep/            samples of 9 to 16 bits, without a network
jpeg/            images that were decoded from JPEG files, without a network
adaptive_counts  distributions of tokens that adapt while these two are coded

All of these compute with numpy. The networks as they train are modules of torch, which tests hold to the same integers:
heads, raster, wavefront/net and bilevel/net; neighbourhoods, colour_tensors, wavefront/feature_maps and
bilevel/ink_counts prepare their inputs, likelihood is what they minimise, and `export` makes weights files of them.
"""
