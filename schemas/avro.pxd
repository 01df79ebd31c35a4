# What the compiler is told of avro.py beside its source (docs/decisions/0040): numbers are C's, and calls of a known writer are too.

cimport cython


@cython.final
cdef class Writer:
    cdef bytearray _out

    cpdef bytes written(self)
    cpdef raw(self, bytes encoded)
    cpdef number(self, unsigned long long value)
    @cython.locals(rest=cython.ulonglong)
    cpdef integer(self, long long value)
    cpdef text(self, str value)
    cpdef sized(self, content)
    @cython.locals(out=bytearray)
    cdef _varint(self, unsigned long long rest)
