"""What the pixels of a strip so far say of those that follow: values and colours that occur, without a network."""
