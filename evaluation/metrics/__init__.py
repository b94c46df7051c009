"""Scores of decoded images, rate-distortion curves, and the figures that compare two curves.

scores         PSNR, MS-SSIM, SSIMULACRA 2       rate_distortion   measurements and their means
bd_rate        curves and Bjontegaard's deltas   bootstrap         confidence intervals of BD-rates
lossless_size  sizes and times of lossless files
"""
