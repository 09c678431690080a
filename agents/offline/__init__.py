"""Analyses thoughts with plain rules, without a model or a network; what the rules cannot support is not assessed."""
