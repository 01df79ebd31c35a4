"""Keys, and who may do what with one."""
