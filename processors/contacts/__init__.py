"""Agent `contacts`: who is on which list."""
