"""Nagios and Icinga: checks that come to the same verdict as the alerts, and the definitions to run them.

A check reads samples, whether from the exporter's page, from its Board or from Prometheus, and compares them with the
numbers of rules/thresholds.yaml. It knows no past and no `for`: what needs them is asked of Prometheus by name.
Nothing here imports a library that takes long to load, because Nagios starts a process for every check.
"""
