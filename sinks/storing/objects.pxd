# What the compiler is told of objects.py beside its source (docs/decisions/0040): places and numbers are C's, and calls from row to value, too.

cimport cython
cimport schemas.values.octets as octets
from sinks.storing.paths cimport Member, Path, Values

cdef Py_ssize_t KEYS_MAX, PATHS_MAX, TYPES_MAX, DEPTH_MAX, DIGITS_MAX
cdef int TEXT, WHOLE, DECIMAL, BOOLEAN, ESCAPED, OBJECT, NOTHING


@cython.final
cdef class Objects:
    cdef readonly Py_ssize_t rows
    cdef readonly bytearray taken
    cdef Path _root
    cdef list _paths, _members
    cdef Py_ssize_t _count
    cdef bint _is_plain
    cdef bytes _content
    cdef const unsigned char* _text

    @cython.locals(is_taken=cython.bint)
    cpdef bint take(self, bytes content, Py_ssize_t start, Py_ssize_t size) except -1
    @cython.locals(nth=cython.Py_ssize_t, member=Member)
    cdef bint _fits(self) except -1
    @cython.locals(nth=cython.Py_ssize_t, member=Member)
    cdef int _put_all(self) except -1
    @cython.locals(kind=cython.int, values=Values)
    cdef int _put(self, Member member, Path path) except -1
    cdef int _begin(self, bytes content) except -1
    @cython.locals(at=cython.Py_ssize_t)
    cdef bint _read(self, Py_ssize_t start, Py_ssize_t end) except -1
    cdef Py_ssize_t _object(self, Py_ssize_t at, Py_ssize_t end, Path parent, Py_ssize_t depth) except -2
    @cython.locals(start=cython.Py_ssize_t, path=Path, member=Member)
    cdef Py_ssize_t _member(self, Py_ssize_t at, Py_ssize_t end, Path parent, Py_ssize_t depth) except -2
    @cython.locals(start=cython.Py_ssize_t)
    cdef Py_ssize_t _behind_key(self, Py_ssize_t at, Py_ssize_t end) except -2
    @cython.locals(path=Path, name=bytes)
    cdef Path _path(self, Path usual, Path parent, Py_ssize_t start, Py_ssize_t size)
    @cython.locals(first=cython.int)
    cdef Py_ssize_t _value(self, Py_ssize_t at, Py_ssize_t end, Member member) except -2
    @cython.locals(start=cython.Py_ssize_t, is_escaped=cython.bint)
    cdef Py_ssize_t _string(self, Py_ssize_t at, Py_ssize_t end, Member member) except -2
    cdef Py_ssize_t _escaped(self, Py_ssize_t start, Py_ssize_t end, Member member) except -2
    @cython.locals(start=cython.Py_ssize_t, first=cython.Py_ssize_t, value=cython.longlong)
    cdef Py_ssize_t _number(self, Py_ssize_t at, Py_ssize_t end, Member member) except -2
    @cython.locals(value=cython.double)
    cdef Py_ssize_t _decimal(self, Py_ssize_t start, Py_ssize_t at, Py_ssize_t end, Member member) except -2
    @cython.locals(start=cython.Py_ssize_t)
    cdef Py_ssize_t _behind_digits(self, Py_ssize_t at, Py_ssize_t end) noexcept
    cdef Py_ssize_t _behind_space(self, Py_ssize_t at, Py_ssize_t end) noexcept
