"""Plans, their copies and their rules by name."""

from __future__ import annotations


def by_name(plans):
    return {plan.name: plan for plan in plans}


def rules_of(plans):
    return {(p.name, c.name, r.rule): r for p in plans for c in p.copies for r in c.rules}


def copies_of(plans):
    return {(p.name, c.name): c for p in plans for c in p.copies}
