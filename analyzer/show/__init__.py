"""`--show`: the moving spectrogram of a file, with the classes drawn on it, in a window while the file is played."""
