"""Archives: many images in one file, in segments that decode independently. docs/FORMAT.md describes them."""
