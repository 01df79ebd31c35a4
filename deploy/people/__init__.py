"""What is done for people by name: what is stored of one exported, lists of them uploaded, contacts changed."""
