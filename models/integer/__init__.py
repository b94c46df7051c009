"""Integer arithmetic shared by all models: grids, exact linear maps, prior frequencies; weights files of integers."""
