"""The shapes of the data: what every stage may say to another.

Depends on nothing of ours, does no I/O beyond reading its own files.
"""

from schemas.compiled import take_compiled

take_compiled()
