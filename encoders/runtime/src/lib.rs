//! ONNX Runtime: sessions, cost-aware batching, memory policy.
