"""The benchmarks: the generator, the results and the report made of them."""
