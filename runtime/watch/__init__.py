"""What watches over a process, and ends it when it stands still."""
