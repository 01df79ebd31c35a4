# What the compiler is told of paths.py beside its source (docs/decisions/0040). What objects.py calls is Python's too, since that may be interpreted.

cimport cython
cimport schemas.values.octets as octets

cdef Py_ssize_t ROOM


@cython.final
cdef class Values:
    cdef bytearray _buffer
    cdef unsigned char* _out
    cdef Py_ssize_t _room, _at

    @cython.locals(rest=cython.Py_ssize_t, at=cython.Py_ssize_t)
    cpdef int text(self, const unsigned char* source, Py_ssize_t start, Py_ssize_t size) except -1
    cpdef int number(self, long long value, int size) except -1
    cdef int _grow(self, Py_ssize_t size) except -1


@cython.final
cdef class Path:
    cdef bytes _name
    cdef const unsigned char* octets
    cdef readonly bytes full
    cdef public Path parent
    cdef readonly Py_ssize_t size
    cdef public Py_ssize_t row
    cdef readonly dict inner
    cdef readonly int first, second, types
    cdef bytearray places
    cdef list values

    cpdef int stands_for(self, bytes name, bytes full) except -1
    @cython.locals(at=cython.Py_ssize_t)
    cpdef bint is_at(self, const unsigned char* text, Py_ssize_t start) except -1
    cpdef int place_of(self, int kind) except -1
    cpdef Values put(self, Py_ssize_t row, int kind, int place)
    cdef int _begin(self, int kind) except -1


@cython.final
cdef class Member:
    cdef public Path path
    cdef public int kind
    cdef public Py_ssize_t start, size
    cdef public long long number
    cdef public bytes decoded

    cpdef int type(self) except -1
