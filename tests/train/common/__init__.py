"""What the parts of the training share."""
