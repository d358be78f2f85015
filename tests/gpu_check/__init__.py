"""Everything that only a card can tell, in one script of eight minutes: ``python -m tests.gpu_check``."""
