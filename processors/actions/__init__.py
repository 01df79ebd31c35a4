"""Agent `actions`: what becomes of a firing until it has been sent, and what is sent."""
