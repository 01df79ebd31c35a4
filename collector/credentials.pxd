# What the compiler is told of credentials.py beside its source (docs/decisions/0040).

cpdef key_in_header(str authorization)
