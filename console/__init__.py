"""What people ask of resolved events: segments, profiles, journeys and reports, as SQL that ClickHouse answers.

Pure: the compilers, which make SQL of definitions. Edges: what asks ClickHouse and serves answers. Deliberately absent: anything
that an event passes on its way in.
"""
