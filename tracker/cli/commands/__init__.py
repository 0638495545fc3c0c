"""One module a command of the same name, imported when that command is asked for."""
