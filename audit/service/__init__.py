"""What Model Audit does, one module a verb: take events in, check a target, sweep a parent, tell on-call."""
