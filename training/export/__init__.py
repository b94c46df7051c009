"""From training checkpoints to weights files with exact integer arithmetic."""
