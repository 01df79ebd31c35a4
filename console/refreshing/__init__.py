"""Who is in which segment, kept up to date and told once."""
