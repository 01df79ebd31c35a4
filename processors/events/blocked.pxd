# What the compiler is told of blocked.py beside its source (docs/decisions/0040).

cimport cython

cdef Py_ssize_t _LONGEST, _ORDINARY_MAX

@cython.locals(size=cython.Py_ssize_t)
cpdef bint is_blocked(str value) except -1
