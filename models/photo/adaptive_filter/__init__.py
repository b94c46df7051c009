"""The adaptive filter: a colour filter fitted to each image; its terms, its application and its fit."""
