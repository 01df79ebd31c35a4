# What the compiler is told of addresses.py beside its source (docs/decisions/0040).

cimport cython
cimport schemas.values.octets as octets

cdef int _EQUALS, _PERCENT, _BACKSLASH
cdef Py_ssize_t _NAME_BYTES_MAX

cpdef bint may_name_people(bytes document) except -1
@cython.locals(octet=cython.p_uchar, at=cython.Py_ssize_t)
cdef bint _is_named_before_equals(bytes document) except -1
cdef bint _ends_with_a_name(bytes document, Py_ssize_t at) except -1
