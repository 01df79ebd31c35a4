# What the compiler is told of cors.py beside its source (docs/decisions/0040).

cpdef reply_headers(origin, allowed=*)
