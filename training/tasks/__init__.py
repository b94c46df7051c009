"""One task for each kind of model: the model, its objective and its batches, as the loop asks for them."""
