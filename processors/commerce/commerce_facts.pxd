# What the compiler is told of commerce_facts.py beside its source (docs/decisions/0040).

cimport cython
from processors.events.parsed cimport ParsedEvent
from schemas.wire.stamps cimport Stamps

cpdef bytes product_key(str workspace, str product)
cpdef cart_fact(ParsedEvent event, Stamps stamps, subject, message)
@cython.locals(found=list, product=str, place=cython.Py_ssize_t)
cpdef list product_facts(ParsedEvent event, Stamps stamps)
cdef _objects(dict properties, Py_ssize_t count)
@cython.locals(found=dict)
cdef _values(item, said, str currency)
@cython.locals(currency=str, product=str)
cdef list _lines(Stamps stamps)
@cython.locals(product=str, sku=str)
cdef str _product(item)
cdef bint _is_key(str value) except -1
cdef str _name(str value)
cdef _address(value)
cdef _micro(amount)
