# What the compiler is told of place.py beside its source (docs/decisions/0040).

from schemas.events.pack cimport Connection


cdef class Places:
    cdef object _locate, _kept, _of_text
    cdef bint _is_silent

    cpdef of(self, dict context, str said, Connection connection)
    cpdef _place(self, str text)
