"""Trials: participants, interventions, outcomes, numbers, design and registry numbers of trial reports."""
