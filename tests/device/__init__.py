"""Make-believe GPUs: the library's paths on a GPU, tested on the CPU."""
