"""What leaves the device holds no picture."""
