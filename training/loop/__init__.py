"""The training loop and what it carries: optimiser state, schedules, checkpoints, logs. It knows no model."""
