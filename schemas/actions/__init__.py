"""Actions: what a rule does, where it goes, and the messages on its way there."""
