"""Codecs measured on a folder of images and compared: `compare` returns a `Comparison`.

plan          names of codecs, metrics and qualities -> what to measure
runner        the whole run                       tasks        one codec on one image
cache         results kept between runs           worker_pool  several tasks at a time
cost          time and memory                     equal_size   files of several codecs at one size
visual_comparison   which pictures a report shows
result        `Comparison`, the typed result      published    curves that others measured
tables        the result on a terminal            bilevel      black-and-white images, as a command
"""
