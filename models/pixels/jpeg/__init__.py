"""Images that were decoded from JPEG files: the decoder's arithmetic, and what finds the coefficients of pixels."""
