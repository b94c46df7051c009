"""Start a run from the parameters of another model, with a fresh optimiser."""
