"""Which identifier somebody means who types one, or who has a whole file of them."""
