"""The names of the data sets, with a line about each, for the help of the command line. Nothing is imported."""

DATA_SETS = {
    "mnist": "28x28, binarised anew in every batch; 50,000 / 10,000 / 10,000",
    "mnist-static": "28x28, the standard binarisation; 50,000 / 10,000 / 10,000",
    "omniglot": "28x28, binarised once; 23,000 / 1,345 / 8,070",
    "fashion-static": "28x28 Fashion-MNIST, binarised once; 55,000 / 5,000 / 10,000",
    "caltech101": "28x28 silhouettes, split 1; 4,100 / 2,264 / 2,307",
    "cifar10": "32x32 colour; 49,000 / 1,000 / 10,000",
    "svhn": "32x32 colour; 71,792 / 1,465 / 26,032",
    "celeba64": "64x64 colour, the middle 148x148 pixels; 162,770 / 19,867 / 19,962",
}
"""Kind of images by name, with the numbers of training, validation and test images."""

SPLITS = ("train", "validation", "test")
WHOLE = "all"
"""The split that holds every image of a folder that has no folders of these names."""
