# What the compiler is told of context.py beside its source (docs/decisions/0040).

cimport cython
from processors.enrichment.bots cimport as_judged, bot_of
from processors.enrichment.clock cimport clock_offset_ms
from processors.enrichment.device cimport Devices
from processors.enrichment.place cimport Places
from processors.events.parsed cimport ParsedEvent, parse
from schemas.events.network cimport may_hold_address
from schemas.events.pack cimport PackedEvent

cpdef read_event(PackedEvent packed, rules)
cdef _read(PackedEvent packed, kept)
@cython.locals(context=dict, places=Places)
cpdef tuple surroundings(ParsedEvent event, rules, networks=*)
cdef tuple _known(Devices devices, dict context, connection)
