"""Rules: definitions as people write them, read and checked, and the messages about them."""
