"""What backs every speed and size claim: `make bench`."""
