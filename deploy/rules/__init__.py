"""How rules and their firings stand."""
