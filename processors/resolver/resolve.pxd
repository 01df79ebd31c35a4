# What the compiler is told of resolve.py beside its source (docs/decisions/0040): a chunk's fields and the calls within it are C's.

cimport cython
cimport schemas.octets as octets
from processors.resolver.duplicates cimport Duplicates
from processors.identity.facts cimport facts_of
from processors.identity.known cimport KnownFacts
from processors.events.ledger cimport Ledger
from processors.events.mentions cimport gathered, mentions
from processors.resolver.resolved cimport resolved_event
from processors.resolver.visitor_values cimport VisitorValues
from schemas.identifiers cimport node_id, node_key, partition_of, profile_key, text


cdef class _Chunk:
    cdef object hash_key, owners, link_keys, orders, enrichment, plans, context, commerce, user_steps
    cdef long partition, partitions
    cdef Duplicates duplicates
    cdef KnownFacts known
    cdef VisitorValues visitors
    cdef Ledger ledger
    cdef dict facts, waiting
    cdef list outputs
    cdef bint is_ordered

    cpdef take(self, record)
    cpdef close(self)
    @cython.locals(message_hash=bytes, routing=bytes, visitor=cython.ulonglong)
    cdef _event(self, packed, lineage)
    cdef _settle(self, way, packed, origin, tuple seen)
    cdef _ask_user_steps(self)
    cdef _resolve(self, packed, origin)
    cdef _is_erased(self, before, subject, time)
    cdef _obeyed(self, about, event, message_id)
    cdef _stamped(self, event, about, origin)
    cdef _emit(self, stamped, stored)
    cdef _remark(self, stamped)
    cdef list _facts(self, event, about)
    cdef _state(self, list facts)
    cdef tuple _whose(self, event, about, list facts)
    cdef _previous_id(self, event)
    cdef _profile(self, event, about, list facts, subject)
    cdef _refuse(self, refusal, sender, lineage, payload)
