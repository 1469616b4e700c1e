"""What the paper leaves open and what was chosen."""

CHOICES: tuple[tuple[str, str], ...] = (
    (
        "gives no batch size. On FER2013's 7,178 validation images its accuracies are multiples of 1/7,168, on "
        "CK+'s 327 of 1/320: whole batches of 64. On CK+'s 654 training images all but model 1's are multiples of "
        "1/590, one batch of 64 less",
        "64; in training a last partial batch is dropped, validation takes every image",
    ),
    ("gives no dropout rates", "0.25 after convolutions, 0.5 before the output"),
    ("lists three dropouts for the convolutions in Table III, shows two in Table VI", "Table VI"),
    (
        "exchanges two parameter counts in the text to Tables IV and V",
        "2,368,455 is model 3's, 592,647 model 4's: the layers add up so",
    ),
    ("writes Adam with epsilon inside the root, 1e-8", "Keras' Adam: outside, 1e-7"),
    ("names no augmentation", "none"),
    ("does not say whether its figures are of the last epoch or of the best", "the last"),
    (
        "calls 98.98 % its best accuracy on CK+ and .6194 model 4's on FER2013",
        "both are training accuracies; its validation has 99.69 % and .5961. Like is compared with like here",
    ),
    (
        "counts 38,685 images of FER2013 in one place, 35,887 in another",
        "35,887 is what Kaggle's table has",
    ),
    (
        "validates FER2013 on PublicTest and PrivateTest together, 7,178 images",
        "the same where PrivateTest is in the data, else PublicTest alone; the text under the table says which",
    ),
    ("splits CK+ by image, a third of each class held out", "the same, and by subject beside it"),
    (
        "names normalisation of light and registration of faces as steps of such systems, without figures",
        "neither, in these tables",
    ),
)
"""Pairs: what the paper does, and what is done here."""
