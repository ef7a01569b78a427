"""Jobs: long work of a node, such as a training, in a process of its own that outlives the program that wanted it."""
