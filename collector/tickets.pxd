# What the compiler is told of tickets.py beside its source (docs/decisions/0040).

cimport cython


@cython.no_gc
cdef class Ticket:
    cdef public long pending

    cpdef settled(self, error)
    cpdef fail(self, error)


@cython.final
cdef class Parcel:
    cdef readonly list tickets
    cdef readonly long long weight
    cdef readonly double born

    @cython.locals(ticket=Ticket)
    cpdef succeed(self)
    @cython.locals(ticket=Ticket)
    cpdef fail(self, error)
