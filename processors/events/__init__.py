"""What every agent needs of an event: its call, whom it speaks of, its times, and what becomes of one that cannot be read."""
