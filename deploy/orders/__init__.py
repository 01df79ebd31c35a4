"""What people decide about identifiers (`stitchline unlink`, `suppress`, `forget`): from an id to orders and deletions.

Pure: routes.py, people.py, plan.py, letters.py, receipt.py. Edges: giving.py (Kafka), tables.py and residue.py (ClickHouse).
Everything here may be run again: an order that is known changes nothing, and what is deleted is deleted.
"""
