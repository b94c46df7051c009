"""The models of small images without torch: what compressing and decompressing compute with.

Maps are channels-last, (B, H, W, C). Where a decoder depends on them they hold whole steps of integer grids: 2**-8 in
the chains (sums of products may be finer, until they are rounded), 2**-4 as inputs of products, 2**-6 as embeddings.
"""
