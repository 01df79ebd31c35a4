"""Identifiers of people, and the orders that people give about them."""
