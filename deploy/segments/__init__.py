"""What `stitchline segment` finds, counts and explains."""
