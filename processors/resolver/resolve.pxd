# What the compiler is told of resolve.py beside its source (docs/decisions/0040): a chunk's fields and the calls within it are C's.

cimport cython
cimport schemas.values.octets as octets
from processors.resolver.duplicates cimport Duplicates
from processors.identity.facts cimport facts_of
from processors.identity.known cimport KnownFacts
from processors.events.ledger cimport Ledger
from processors.events.mentions cimport Identifier, Mentions, gathered, mentions, nodes_of
from processors.events.parsed cimport ParsedEvent
from processors.resolver.resolved cimport Origin, Stamped, Whose, resolved_event
from processors.resolver.visitor_values cimport VisitorValues
from schemas.events.dead_letter cimport Lineage
from schemas.events.pack cimport PackedEvent
from schemas.identity.identifiers cimport node_id, node_key, partition_of, profile_key, text


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

    @cython.locals(packed=PackedEvent)
    cpdef take(self, record)
    cpdef close(self)
    @cython.locals(message_hash=bytes, routing=bytes, visitor=cython.ulonglong, origin=Origin, stamped=Stamped)
    cdef _event(self, PackedEvent packed, Lineage lineage)
    cdef _settle(self, way, PackedEvent packed, Origin origin, tuple seen)
    cdef _ask_user_steps(self)
    @cython.locals(event=ParsedEvent, about=Mentions, before=Mentions)
    cdef _resolve(self, PackedEvent packed, Origin origin)
    cdef bint _is_erased(self, before, subject, time) except -1
    cdef Mentions _obeyed(self, Mentions about, ParsedEvent event, message_id)
    cdef _stamped(self, ParsedEvent event, Mentions about, Origin origin)
    @cython.locals(event=ParsedEvent, about=Mentions, whose=Whose, key=bytes, value=bytes)
    cdef _emit(self, Stamped stamped, ParsedEvent stored)
    @cython.locals(event=ParsedEvent)
    cdef _remark(self, Stamped stamped)
    cdef list _facts(self, ParsedEvent event, Mentions about)
    cdef _state(self, list facts)
    @cython.locals(nodes=list, subject=cython.ulonglong, profile=cython.ulonglong, key=bytes)
    cdef tuple _whose(self, ParsedEvent event, Mentions about, list facts)
    cdef str _previous_id(self, ParsedEvent event)
    @cython.locals(first=Identifier)
    cdef _profile(self, ParsedEvent event, Mentions about, list facts, subject)
    cdef _refuse(self, refusal, sender, lineage, payload)
