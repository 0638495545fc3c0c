"""TensorBoard's Compare tab: the answer beside the curves it rests on, for as long as runs grow."""
