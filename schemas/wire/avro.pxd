# What the compiler is told of avro.py beside its source (docs/decisions/0040): numbers are C's, and calls of a known writer are too.

cimport cython
cimport schemas.values.octets as octets


@cython.final
cdef class Writer:
    cdef bytearray _out
    cdef Py_ssize_t _at

    cpdef bytes written(self)
    cpdef raw(self, bytes encoded)
    cpdef number(self, unsigned long long value)
    @cython.locals(rest=cython.ulonglong)
    cpdef integer(self, long long value)
    @cython.locals(size=cython.Py_ssize_t)
    cpdef text(self, str value)
    @cython.locals(size=cython.Py_ssize_t)
    cpdef sized(self, content)
    @cython.locals(kept=bytearray, at=cython.Py_ssize_t, out=cython.p_uchar)
    cdef int _varint(self, unsigned long long rest) except -1
    @cython.locals(out=bytearray, lacking=cython.Py_ssize_t)
    cdef int _make_room(self, Py_ssize_t size) except -1
