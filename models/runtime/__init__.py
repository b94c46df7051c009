"""The arithmetic of coding without torch: numpy, and ONNX Runtime for convolutions."""
