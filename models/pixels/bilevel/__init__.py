"""Black and white pixels, each given its neighbours above and to the left: networks, walks and the weights file."""
