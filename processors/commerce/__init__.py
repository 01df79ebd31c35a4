"""Agent `commerce`: carts that were left, the catalogue and the counters of products."""
