# What the compiler is told of gathering.py beside its source (docs/decisions/0040).


cdef class Gathering:
    cdef readonly long expected

    cpdef bint is_complete(self, long requests)
