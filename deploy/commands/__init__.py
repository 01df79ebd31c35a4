"""The commands of the command line, a few lines each."""
