# What the compiler is told of patience.py beside its source (docs/decisions/0040).


cdef class Patience:
    cdef double _timeout_s
    cdef object _loop, _sweeping
    cdef dict _waiting
    cdef set _expired
    cdef bint _is_sweeping

    cpdef begin(self, pending)
    cpdef outcome(self, pending)
    cpdef end(self)
    cdef _expire(self, pending)
