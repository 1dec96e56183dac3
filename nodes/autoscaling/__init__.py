"""Pools of machines that follow the work: conducted by the leader, provided by somebody else."""
