"""Plain values, which know nothing of the product: bytes, JSON, money's digits, time zones."""
