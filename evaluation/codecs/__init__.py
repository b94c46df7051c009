"""Image codecs behind one interface: dvcodec itself and the codecs that it is compared with.

interface    what a codec must offer              dvcodec      this project's codec
baselines    JPEG, WebP, AVIF, JPEG XL, ...       lossless     PNG, WebP, JPEG XL and dvcodec, lossless
accounting   which parts a file's bytes go to     bilevel      lossless codecs for black-and-white images
"""
