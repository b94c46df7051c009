"""The networks of the photograph model, as they train."""
