# What the compiler is told of resolved.py beside its source (docs/decisions/0040).

cimport cython
from schemas.avro cimport Writer

@cython.locals(record=Writer)
cpdef bytes resolved_event(event, about, origin, whose, stamps)
cdef _put_ids(Writer record, tuple stated, str previous_id, group_id)
cdef _put_objects(Writer record, event)
@cython.locals(found=tuple, place=cython.Py_ssize_t)
cdef _put_identifiers(Writer record, about, list nodes)
