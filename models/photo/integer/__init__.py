"""The photograph model's top-down pass compiled to integers, for coding."""
