# What the compiler is told of connection.py beside its source (docs/decisions/0040).

cpdef for_event(connection, bytes context)
