"""TensorBoard's event files, written and read strictly, so that no number is lost or made up."""
