"""The graphs that ONNX Runtime runs, without weights: sizes, weights and scales are inputs."""
