"""Archives: many lossless images in one file, in segments that stand for themselves. docs/FORMAT.md describes them."""
