"""The names of the data sets, with a line about each, for the help of the command line. Nothing is imported."""

DATA_SETS = {
    "mnist": "Handwritten digits of 28x28 pixels, binarised anew in every batch: 50,000 / 10,000 / 10,000",
    "mnist-static": "Handwritten digits of 28x28 pixels in the standard binarisation: 50,000 / 10,000 / 10,000",
    "omniglot": "Handwritten letters of 28x28 pixels, binarised once: 23,000 / 1,345 / 8,070",
    "fashion-static": "Clothes of Fashion-MNIST of 28x28 pixels, binarised once: 55,000 / 5,000 / 10,000",
    "caltech101": "Silhouettes of 28x28 pixels, split 1: 4,100 / 2,264 / 2,307",
    "cifar10": "Colour images of 32x32 pixels in ten classes: 49,000 / 1,000 / 10,000",
    "svhn": "Colour images of house numbers of 32x32 pixels: 71,792 / 1,465 / 26,032",
    "celeba64": "Colour images of faces, the middle 148x148 pixels reduced to 64x64: 162,770 / 19,867 / 19,962",
    "swatches": "Nine images of 32x32 pixels, each of one colour, made here: the same 9 / 9 / 9",
}
"""Kind of images by name, with the numbers of training, validation and test images."""

SPLITS = ("train", "validation", "test")
WHOLE = "all"
"""The split that holds every image of a folder that has no folders of these names."""
