"""Worker processes, signals, and locks that outlast a fork. Nothing of this imports numpy or torch."""
