# What the compiler is told of columns.py beside its source (docs/decisions/0040): numbers are C's, and a leaf takes its value by a call of C's.

cimport cython
cimport schemas.values.octets as octets

cdef Py_ssize_t VARINT_BYTES_MAX, ROOM, ROOM_MAX


@cython.final
cdef class Body:
    cdef bytes _content
    cdef const unsigned char* octets
    cdef Py_ssize_t at, end

    cdef int begin(self, bytes content, Py_ssize_t start) except -1
    @cython.locals(found=cython.ulonglong, shift=cython.int, at=cython.Py_ssize_t, one=cython.ulonglong)
    cdef Py_ssize_t number(self) except? -1
    @cython.locals(found=cython.Py_ssize_t)
    cdef inline Py_ssize_t size(self) except -1


cdef class Column:
    cdef list _full
    cdef bytearray _buffer
    cdef unsigned char* _out
    cdef Py_ssize_t _room, _at

    cdef int take(self, Body body) except -1
    @cython.locals(rest=cython.Py_ssize_t, at=cython.Py_ssize_t)
    cdef int _put_text(self, Body body, Py_ssize_t size) except -1
    cdef inline int _make_room(self, Py_ssize_t size) except -1
    cdef int _turn(self, Py_ssize_t size) except -1
    cdef int _begin(self, Py_ssize_t room) except -1


cdef class Properties(Column):
    cdef readonly object objects

    @cython.locals(size=cython.Py_ssize_t)
    cdef int take(self, Body body) except -1


cdef class Numbers(Column):
    cdef int _size

    cdef int take(self, Body body) except -1
    cdef inline int put(self, long long value) except -1


cdef class Narrow(Numbers):
    @cython.locals(value=cython.Py_ssize_t)
    cdef int take(self, Body body) except -1


cdef class Flags(Numbers):
    cdef int take(self, Body body) except -1


cdef class Amounts(Numbers):
    cdef Flags _absent

    @cython.locals(branch=cython.Py_ssize_t, size=cython.Py_ssize_t)
    cdef int take(self, Body body) except -1


cdef class Lists(Numbers):
    cdef list _items
    cdef Py_ssize_t _count

    @cython.locals(count=cython.Py_ssize_t, item=Column)
    cdef int take(self, Body body) except -1


@cython.locals(body=Body, value=bytes, leaf=Column)
cdef int _take(list leaves, values, Py_ssize_t start) except -1
