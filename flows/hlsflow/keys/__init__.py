"""What decides a step's result besides its inputs, computed: source, packages, compiler, environment."""
