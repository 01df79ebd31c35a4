# What the compiler is told of identifiers.py beside its source (docs/decisions/0040).

cimport schemas.values.octets as octets

cdef unsigned int _KAFKA_SEED
cdef unsigned long long _NODE_ID_MASK

cpdef str text(value)
cpdef bytes node_key(workspace, kind, value)
cpdef unsigned long long node_id(bytes key, bytes hash_key) except? 0
cpdef bytes profile_key(unsigned long long node)
cpdef long partition_of(bytes key, long partitions) except? -1
cpdef long partition_hash(bytes key) except? -1
