# What the compiler is told of commerce_outbox.py beside its source (docs/decisions/0040).

cimport cython
from processors.commerce.commerce_facts cimport cart_fact, product_facts, product_key
from processors.commerce.told_products cimport ToldProducts
from processors.events.parsed cimport ParsedEvent
from schemas.wire.stamps cimport Meaning, Stamps


cdef class CommerceOutbox:
    cdef ToldProducts _told
    cdef object _partitions, _hash_key
    cdef dict _carts, _products, _texts

    @cython.locals(name=str)
    cpdef add(self, ParsedEvent event, Stamps stamps, subject, str message_id)
    cdef bint _says_more(self, ParsedEvent event, str name) except -1
    cdef _state(self, ParsedEvent event, Stamps stamps)
    @cython.locals(found=dict)
    cdef dict _news(self)
