"""What steps ask of the world, kept out of them: the control topic as it is now, and files that a deployment gives."""
