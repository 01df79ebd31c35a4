# What the compiler is told of tickets.py beside its source (docs/decisions/0040).

cimport cython


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Ticket:
    cdef readonly long pending
    cdef readonly object settled

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
