# What the compiler is told of ledger.py beside its source (docs/decisions/0040).

cimport cython

cdef long long _MINUTE_MS


cdef class Ledger:
    cdef object _stage, _partitions
    cdef dict _counts, _remarks

    @cython.locals(line=tuple)
    cpdef count(self, workspace, source, long long received_at, outcome)
    cpdef remark(self, workspace, source, long long received_at, remark)
    cdef _record(self, stage, tuple line, events)
