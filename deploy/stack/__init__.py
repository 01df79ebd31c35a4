"""The whole stack on one machine: its data folder, its processes, and what is said once it is up."""
