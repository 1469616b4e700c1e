"""What the paper leaves open or contradicts, and what was chosen here."""

CHOICES: tuple[tuple[str, str], ...] = (
    (
        "does not give the batch size. On the 7,178 validation images of FER2013 its accuracies are multiples of "
        "1/7,168, and on the 327 of CK+ multiples of 1/320: whole batches of 64. On the 654 training images of CK+ all "
        "accuracies except model 1's are multiples of 1/590, which is one batch of 64 less",
        "64; training drops a last partial batch, validation uses every image",
    ),
    ("does not give dropout rates", "0.25 after convolutions, 0.5 before the output"),
    ("lists three dropouts for the convolutions in Table III, but two in Table VI", "Table VI"),
    (
        "exchanges two parameter counts in the text on Tables IV and V",
        "2,368,455 for model 3 and 592,647 for model 4, the sums over their layers",
    ),
    ("writes Adam with epsilon inside the square root, 1e-8", "Keras' Adam: outside the root, 1e-7"),
    ("does not mention augmentation", "none"),
    ("does not say whether its values are of the last or of the best epoch", "the last epoch"),
    (
        "calls 98.98 % its best accuracy on CK+ and .6194 model 4's on FER2013",
        "both are training accuracies; on validation it has 99.69 % and .5961. The same kinds are compared here",
    ),
    (
        "counts 38,685 images of FER2013 in one place and 35,887 in another",
        "35,887, as in Kaggle's table",
    ),
    (
        "validates FER2013 on PublicTest and PrivateTest together, 7,178 images",
        "the same if PrivateTest is in the data, otherwise PublicTest alone; the text under the table says which",
    ),
    ("splits CK+ by image and holds out a third of each class", "the same, and also by subject"),
    (
        "names normalisation of light and registration of faces as steps of such systems, without numbers",
        "neither in these tables",
    ),
)
"""Pairs: what the paper does, and what is done here."""
