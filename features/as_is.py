"""For a table whose columns are used as they are: no function, no label of its own."""
