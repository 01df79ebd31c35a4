# What the compiler is told of visitor_values.py beside its source (docs/decisions/0040).

cimport cython
cimport schemas.values.octets as octets

cdef Py_ssize_t _HEAD_BYTES


cdef class VisitorValues:
    cdef object _state, _said, _keys
    cdef dict _opened, _changed
    cdef set _older

    @cython.locals(node=bytes, sections=list)
    cpdef get(self, bytes key)
    cpdef pop(self, bytes key, default)
    @cython.locals(node=bytes, sections=list)
    cpdef save(self)
    @cython.locals(sections=list)
    cdef list _open(self, bytes node)


@cython.locals(ids=bytes, links=bytes, visits=bytes)
cpdef bytes joined(list sections)
@cython.locals(octet=cython.p_uchar, size=cython.Py_ssize_t, links=cython.Py_ssize_t, visits=cython.Py_ssize_t)
cpdef list parted(bytes value)
