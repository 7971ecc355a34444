"""Model Audit: what serves, compared with what was approved, and the proof of both."""
