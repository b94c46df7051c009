"""p(x) of black and white images, autoregressive over pixels: networks, passes and the weights file."""
