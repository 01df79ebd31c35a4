"""Stage `confirm`: who a candidate is for, and whether it still fires, asked of ClickHouse."""
