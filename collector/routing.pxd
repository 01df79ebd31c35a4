# What the compiler is told of routing.py beside its source (docs/decisions/0040).

from schemas.identity.identifiers cimport node_key, text

cpdef bytes plain_routing_id(call, workspace)
