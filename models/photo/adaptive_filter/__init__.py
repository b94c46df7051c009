"""The per-image colour filter: its terms, how it is applied and how it is fitted."""
