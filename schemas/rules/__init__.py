"""Rules: when what happens, who wins, what is wrong with one, and the messages about them."""
