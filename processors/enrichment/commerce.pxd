# What the compiler is told of commerce.py beside its source (docs/decisions/0040).

cimport cython
from schemas.wire.stamps cimport Meaning


@cython.locals(said=list, fields=dict, item=dict)
cpdef typed_commerce(str event, dict properties)
@cython.locals(fields=dict, item=dict, said=list, found=dict, known=tuple)
cdef _read(dict values, dict names, str place, tuple into)
@cython.locals(items=list, item=dict)
cdef tuple _listed(list listed, default, list said)
cpdef tuple with_commerce(Meaning meaning, dict properties, bytes text=*)
cdef str _text(value)
