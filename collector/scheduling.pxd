# What the compiler is told of scheduling.py beside its source (docs/decisions/0040).


cdef class Handover:
    cdef object _begin, _loop, _waiting
    cdef bint _is_woken

    cpdef give(self, watcher)
    cpdef take(self)
