"""Worker processes and signals, for the command line and for evaluation. Nothing of this imports numpy or torch."""
