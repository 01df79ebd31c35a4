# What the compiler is told of told_products.py beside its source (docs/decisions/0040).

cimport cython


cdef class ToldProducts:
    cdef object _state
    cdef dict _products, _changed

    @cython.locals(statements=dict, entry=tuple)
    cpdef bint is_news(self, product, hour, digest, time) except -1
    cpdef save(self)


cdef bytes _key(product)
cdef bytes _encode(dict statements)
cdef dict _decode(bytes value)
