"""The command line, the embedded engines and the supervisor: everything that starts something."""
