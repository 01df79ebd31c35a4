"""What `stitchline apply` and `plan` do: a file held against `control`, tokens and signatures, the plan as text."""
