"""Read and write image files and metadata, and write files atomically."""
