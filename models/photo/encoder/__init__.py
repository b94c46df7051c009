"""What only an encoder computes: lookahead and perceptual weights."""
