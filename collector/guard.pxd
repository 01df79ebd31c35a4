# What the compiler is told of guard.py beside its source (docs/decisions/0040).

from collector.exchange cimport Request
from collector.privacy cimport treatment

cpdef guard_of(source, Request request)
