# What the compiler is told of body.py beside its source (docs/decisions/0040).

cimport cython
cimport schemas.values.octets as octets

cdef int _GZIP_FIRST, _MARK_FIRST, _BACKSLASH

@cython.locals(first=cython.int)
cpdef unpacked(bytes body, str encoding, long long bytes_max)
cpdef bint is_utf8(bytes text) except -1
cpdef bytes with_whole_characters(bytes text)
