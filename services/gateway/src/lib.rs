//! The public API: routes by modality, searches, ingests, classifies.
