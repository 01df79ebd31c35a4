"""Settings from the environment: one struct per concern, each read at a composition root and nowhere else."""
