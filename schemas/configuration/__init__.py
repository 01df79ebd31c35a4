"""What people write for `stitchline apply`: read as a whole, held against what is there, and made into documents on `control`."""
