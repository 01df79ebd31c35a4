# What the compiler is told of channel.py beside its source (docs/decisions/0040): texts are texts.

cimport cython
from processors.events.parsed cimport ParsedEvent


@cython.locals(context=dict, addresses=tuple, said=tuple, url=str, search=str, referrer=str)
cdef tuple _asked(ParsedEvent event)
@cython.locals(url=str, search=str, referrer=str)
cdef bint _is_inside(tuple addresses) except -1
@cython.locals(properties=dict)
cdef tuple _addresses(ParsedEvent event, dict page)
cdef str _bounded(value)
@cython.locals(end=cython.Py_ssize_t)
cdef str _place(str address)
@cython.locals(at=cython.Py_ssize_t, hash_at=cython.Py_ssize_t)
cdef str _query(str url)
