"""Programs that read the public topics as anybody may: written to be copied, and using nothing else of this project."""
