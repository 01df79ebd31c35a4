"""Pages and schemas that are made from the code and from the tables as they are."""
