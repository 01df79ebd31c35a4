"""What `stitchline migrate` brings into ClickHouse: tables, functions, comments, the rules of sessions."""
