# What the compiler is told of holding.py beside its source (docs/decisions/0040).

from collector.exchange cimport Intake


cdef class Holding:
    cdef readonly object publisher, control
    cdef object _retry_after_s, _rates

    cpdef held_back(self, Intake intake)
    cpdef not_kept(self, error)
    cpdef newest(self, reply)
