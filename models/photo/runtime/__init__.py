"""The photograph model without torch: what compressing and decompressing compute with."""
