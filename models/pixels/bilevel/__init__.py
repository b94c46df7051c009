"""Black and white pixels, each given its neighbours above and to the left: networks, passes and the weights file."""
