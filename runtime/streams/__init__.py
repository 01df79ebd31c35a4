"""The stream core: a partition, its state and its position, moved forward in one transaction a chunk; and who brings records."""
