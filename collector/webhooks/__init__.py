"""What other tools send: proved, read, mapped to calls."""
