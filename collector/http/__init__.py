"""The collector's HTTP/1.1: connections, requests out of their bytes, and answers (docs/decisions/0083)."""
