"""A tea shop as an example: one page, many addresses, and everything that the pixel does on it."""
