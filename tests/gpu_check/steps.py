"""All steps, the most important first: what comes last is what a short time leaves out."""

from tests.gpu_check import steps_memory, steps_numbers, steps_processes, steps_speed, steps_training
from tests.gpu_check.check import Step

ALL: tuple[Step, ...] = (
    steps_memory.environment,
    steps_numbers.traces,
    steps_training.alike,
    steps_speed.share,
    steps_memory.planned,
    steps_memory.out_of_memory,
    steps_numbers.embeddings,
    steps_numbers.guesses,
    steps_numbers.inside,
    steps_numbers.slopes,
    steps_numbers.heads,
    steps_training.resumed,
    steps_speed.embedding,
    steps_speed.tracing,
    steps_speed.idle,
    steps_memory.allowed,
    steps_processes.page,
    steps_processes.two,
    steps_training.learns,
    steps_training.held,
    steps_processes.cards,
    steps_speed.maps,
    steps_numbers.removals,
)
