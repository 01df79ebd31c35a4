"""What is stamped on an event as it passes: pure steps, one a file, and the edges to the files that some of them ask."""
