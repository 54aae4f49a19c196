"""The bridge: takes Alertmanager's webhooks and tells Nagios, Icinga and SNMP managers.

A webhook is answered when what it said is on disk; each receiver then gets it in order, as often as it takes. What
was sent but not yet struck off when the process dies is sent again: at least once, never less.
"""
