"""What is put to the test: one module for each store, run by the interpreter that has it.

Each has ``STEPS_IN``, parts of the paths of the files whose steps count; ``COMMIT``, the name of the function with
which a commit begins; and a class ``Subject``.
"""
