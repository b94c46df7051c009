"""The light photograph model as it codes, without torch: integers from the symbols to the pixels."""
