"""Sources as somebody sets them up: what goes into their pages, their links and webhooks, and how they stand."""
