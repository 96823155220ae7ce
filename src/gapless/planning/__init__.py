"""WHAT MUST RUN, AND WHY. (definitions, status, now) -> Plan, without a clock or a database."""
