"""`stitchline why`: why two identifiers are one person or not."""
