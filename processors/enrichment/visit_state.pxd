# What the compiler is told of visit_state.py beside its source (docs/decisions/0040): all but what begins and ends is C's.

cimport cython
cimport schemas.values.octets as octets


@cython.final
cdef class Stay:
    cdef public long long start, lasted, number


@cython.final
@cython.no_gc
cdef class Visitor:
    cdef public list stays
    cdef public object signs
    cdef public bytes touch, first
    cdef public long long first_at


@cython.locals(newest=Stay, stay=Stay, told=tuple, first=bytes)
cpdef bytes encode_visitor(Visitor visitor)
@cython.locals(told=list, visitor=Visitor)
cpdef Visitor decode_visitor(bytes value)
cdef Stay _stay(list told)
cdef Visitor _with_first(Visitor visitor)
