# What the compiler is told of duplicates.py beside its source (docs/decisions/0040).

cimport cython
cimport schemas.values.octets as octets

cdef Py_ssize_t _ENTRY_BYTES
cdef long long _SECOND_MAX, _DAY_S


cdef class Duplicates:
    cdef object _state
    cdef dict _values, _changed
    cdef Py_ssize_t _bytes_max, _kept_bytes
    cdef long long _window_s

    @cython.locals(value=bytearray)
    cpdef bint seen(self, bytes routing, bytes message_hash) except -1
    @cython.locals(value=bytearray)
    cpdef remember(self, bytes routing, bytes message_hash, long long received_at)
    @cython.locals(value=bytearray)
    cpdef save(self)


cdef bytearray _usable(bytes value)
@cython.locals(entry=bytes, at=cython.Py_ssize_t)
cdef _insert(bytearray value, long long second, bytes message_hash)
@cython.locals(octet=cython.p_uchar, high=cython.longlong, low=cython.longlong)
cdef long long _second(bytearray value, Py_ssize_t at) except -1
@cython.locals(size=cython.Py_ssize_t, oldest=cython.longlong, start=cython.Py_ssize_t)
cdef _forget(bytearray value, long long window_s, Py_ssize_t kept_bytes)
