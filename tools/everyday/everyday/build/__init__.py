"""How the bundle is built: published weights into ONNX graphs, class names into directions, both into a bundle."""
