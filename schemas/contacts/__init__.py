"""Contacts: their addresses, the lists that these are on, and what changes of lists say."""
